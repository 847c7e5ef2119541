"""Selection of parameters: grids, ties, halving over epochs, divergence."""

import dataclasses
import json
from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from sktextconv import (
    FastTextClassifier,
    KimCNNClassifier,
    VDCNNClassifier,
    compare,
    make_bow_classifier,
)
from sktextconv.comparison._cell import Task, run_task
from sktextconv.comparison._rows import ROWS, Row
from sktextconv.comparison._selection import (
    GRIDS,
    count_trainings,
    list_candidates,
    select_parameters,
    split_off,
)

TEXTS = [f"{word} {n}" for n in range(20) for word in ("good film", "bad plot")]
LABELS = np.array(["pos", "neg"] * 20)
TINY = {"embedding_dim": 8, "n_filters": 4, "random_state": 0}


class Fragile(ClassifierMixin, BaseEstimator):
    """Classifier whose training diverges for rates above 1, and that knows `label`."""

    def __init__(self, rate=1.0, label="pos"):
        self.rate = rate
        self.label = label

    def fit(self, X, y):
        if self.rate > 1:
            raise FloatingPointError("the loss is not finite")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.label)


class Cheat(ClassifierMixin, BaseEstimator):
    """Classifier that is right on the texts whose end is `key`, and wrong elsewhere."""

    def __init__(self, key="train"):
        self.key = key

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        right = np.array([len(text.partition(" ")[0]) % 2 for text in X])
        known = np.array([text.endswith(self.key) for text in X])
        return self.classes_[np.where(known, right, 1 - right)]


def test_divergence_is_an_infinite_error():
    """A candidate that diverges is not selected; its error is null in JSON."""
    fragile = Fragile(label="other")
    tried = select_parameters(fragile, {"rate": [2.0, 0.5]}, TEXTS, LABELS)
    assert tried == [
        {"params": {"rate": 2.0}, "error": None},
        {"params": {"rate": 0.5}, "error": 100.0},
    ]
    assert fragile.rate == 0.5
    assert json.loads(json.dumps(tried, allow_nan=False)) == tried


def test_parameters_stay_if_all_diverge():
    fragile = Fragile()
    tried = select_parameters(fragile, {"rate": [2.0, 3.0]}, TEXTS, LABELS)
    assert [each["error"] for each in tried] == [None, None]
    assert fragile.rate == 1.0


def test_first_of_equal_errors_is_selected():
    fragile = Fragile()
    select_parameters(fragile, {"rate": [0.3, 0.1]}, TEXTS, LABELS)
    assert fragile.rate == 0.3


def test_halving_drops_diverged_networks():
    """Networks that diverge do not take part in the second round."""
    network = KimCNNClassifier(max_epochs=4, **TINY)
    grid = {"learning_rate": [1e30, 0.01, 0.003]}
    shown = []
    tried = select_parameters(network, grid, TEXTS, LABELS, report=shown.append)
    assert shown == tried
    assert [each["max_epochs"] for each in tried] == [1, 1, 1, 2, 2]
    first = tried[0]
    assert first["params"] == {"learning_rate": 1e30}
    assert (first["error"], first["log_loss"]) == (None, None)
    assert {each["params"]["learning_rate"] for each in tried[3:]} == {0.01, 0.003}
    best = min(tried[3:], key=lambda each: (each["error"], each["log_loss"]))
    assert network.learning_rate == best["params"]["learning_rate"]
    assert network.max_epochs == 4
    json.dumps(tried, allow_nan=False)


def test_scores_of_network():
    """Error and log loss are those of the same training, on a tenth of the texts."""
    network = KimCNNClassifier(max_epochs=2, **TINY)
    (trial,) = select_parameters(network, {"dropout": [0.2]}, TEXTS, LABELS)
    X, X_valid, y, y_valid = train_test_split(
        TEXTS, LABELS, test_size=4, stratify=LABELS, random_state=0
    )
    fitted = KimCNNClassifier(max_epochs=1, dropout=0.2, **TINY).fit(X, y)
    right = fitted.predict_proba(X_valid)[range(4), 1 * (y_valid == "pos")]
    assert trial["error"] == 100 * np.mean(fitted.predict(X_valid) != y_valid)
    assert trial["log_loss"] == pytest.approx(-np.log(right).mean(), rel=1e-6)


def test_network_lacks_a_class_in_training():
    """A class whose only text is held out has the probability 0."""
    labels = np.array(["pos", "neg"] * 20, dtype="<U9")
    groups = np.repeat(np.arange(20), 2)
    held_out = next(
        seed
        for seed in range(99)
        if np.random.RandomState(seed).permutation(20)[0] == 0  # as groups are drawn
    )
    labels[0] = "exception"
    network = KimCNNClassifier(max_epochs=1, **TINY)
    (trial,) = select_parameters(
        network, {"dropout": [0.2]}, TEXTS, labels, groups=groups, seed=held_out
    )
    assert trial["error"] >= 25.0
    assert trial["log_loss"] > -np.log(1e-15) / 4 - 1e-9


@pytest.mark.parametrize("key", ROWS)
def test_rows_have_a_grid(key):
    """Each row selects parameters that its last step has."""
    estimator = ROWS[key].make()
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    candidates = list_candidates(last, ROWS[key].grid)
    assert len(candidates) > 1
    for candidate in candidates:
        last.set_params(**candidate)


def test_learning_rates_are_multiples_of_recipe():
    """Multiples are of the recipe's learning rate, or of one that is set."""
    for rate in (None, 0.02):
        network = VDCNNClassifier(learning_rate=rate)
        expected = rate or VDCNNClassifier._recipes[network.recipe].learning_rate
        rates = [
            params["learning_rate"]
            for params in list_candidates(network, GRIDS["network"])
        ]
        assert rates == pytest.approx([0.3 * expected, expected, 3 * expected], 0.01)
        assert rates[1] == expected


def test_learning_rates_are_multiples_of_that_of_fit():
    """On few texts some networks have a higher rate."""
    for n_texts, expected in ((500, 7.5 / 1_000), (1_000_000, 0.001)):
        candidates = list_candidates(FastTextClassifier(), GRIDS["network"], n_texts)
        rates = [params["learning_rate"] for params in candidates]
        assert rates == pytest.approx([0.3 * expected, expected, 3 * expected])
    network = FastTextClassifier(max_epochs=1, n_buckets=9)
    tried = select_parameters(network, GRIDS["network"], TEXTS, LABELS)
    # The rate of `fit` on so few texts is at most 0.05.
    assert {trial["params"]["learning_rate"] for trial in tried} == {0.015, 0.05, 0.15}


def test_count_trainings():
    """Six networks train for a quarter of the epochs, and three for the half."""
    assert count_trainings(KimCNNClassifier(), GRIDS["network"]) == 6 / 4 + 3 / 2
    assert count_trainings(VDCNNClassifier(), GRIDS["network"]) == 3 / 4 + 2 / 2
    assert count_trainings(make_bow_classifier(), GRIDS["counts"]) == 8
    assert count_trainings(make_bow_classifier(), {}) == 0


def test_selection_ignores_leak_in_test_texts():
    """A setting that is right on the test texts alone is not selected.

    Selection on the test set would find it: it has no error there.
    """
    words = ["good", "bad"] * 20
    X, y = [f"{word} train" for word in words], [len(word) % 2 for word in words]
    X_test = [f"{word} test" for word in words]
    row = Row("Cheat", Cheat, 1.0, grid={"key": ["test", "train"]})
    data = {
        "texts": X + X_test,
        "labels": np.array(y + y),
        "y": np.array(y + y),
        "classes": np.array([0, 1]),
        "groups": None,
    }
    with_selection = _run(Task("cheat", row, 0, np.arange(40), np.arange(40, 80)), data)
    assert with_selection.record["params"] == {"key": "train"}
    assert with_selection.record["error"] == 100.0
    assert with_selection.record["selection"] == [
        {"params": {"key": "test"}, "error": 100.0},
        {"params": {"key": "train"}, "error": 0.0},
    ]
    leaky = dataclasses.replace(row, make=partial(Cheat, key="test"))
    task = Task("cheat", leaky, 0, np.arange(40), np.arange(40, 80), select=False)
    assert _run(task, data).record["error"] == 0.0


def _run(task, data):
    return run_task(task, lambda: data)


def _shrink_kim():
    """Return the row kim-rand and data on which it trains in a moment."""
    network = ROWS["kim-rand"].make
    make = partial(network, max_epochs=4, **TINY)
    return dataclasses.replace(ROWS["kim-rand"], make=make), {
        "texts": TEXTS,
        "y": 1 * (LABELS == "pos"),
        "classes": np.array([0, 1]),
        "groups": None,
    }


def test_network_is_selected_by_halving():
    """The better half of the settings of a network trains for twice the epochs."""
    row, data = _shrink_kim()
    cell = _run(Task("kim", row, 0, np.arange(32), np.arange(32, 40)), data)
    tried = cell.record["selection"]
    assert [each["max_epochs"] for each in tried] == [1] * 6 + [2] * 3
    final = [(each["error"], each["log_loss"], each["params"]) for each in tried[6:]]
    assert cell.record["params"] == min(final, key=lambda each: each[:2])[2]
    assert len({each["params"]["learning_rate"] for each in tried}) == 3
    assert {each["params"]["dropout"] for each in tried} == {0.2, 0.5}


def test_networks_are_compared_without_checkpoint(tmp_path):
    """Trainings on other texts neither write the checkpoint nor resume from it."""
    row, data = _shrink_kim()
    path = tmp_path / "state"
    row.make(checkpoint=path).fit(TEXTS, LABELS)
    before = path.read_bytes()
    row = dataclasses.replace(row, make=partial(row.make, checkpoint=path, resume=True))
    task = Task("kim", row, 0, np.arange(32), np.arange(32, 40), select=False)
    assert _run(task, data).record["n_train"] == 32
    assert path.read_bytes() == before


def test_diverged_candidates_are_null_in_json():
    """A cell with a candidate that diverges has a result, which JSON can hold."""
    row, data = _shrink_kim()
    row = dataclasses.replace(row, grid={"learning_rate": [1e30, 0.01]})
    cell = _run(Task("kim", row, 0, np.arange(32), np.arange(32, 40)), data)
    assert cell.record["selection"][0]["error"] is None
    assert cell.record["params"] == {"learning_rate": 0.01}
    json.dumps(cell.record, allow_nan=False)


def test_networks_of_user_select_nothing():
    mine = ROWS["kim-rand"].make(max_epochs=1, **TINY)
    found = compare(TEXTS, LABELS, models={"mine": mine}, refit=False)
    assert found.cells[0].record["selection"] == []


def test_models_of_user_are_not_changed():
    """Parameters of a given estimator are those that the user set."""
    mine = make_bow_classifier(C=0.5)
    found = compare(TEXTS, LABELS, models=[("mine", mine)])
    assert found.cells[0].record["selection"] == []
    assert found.winner_estimator[-1].C == 0.5
    assert not hasattr(mine[-1], "coef_")


# ---------------------------------------------------------------------------
# Division by groups
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("sizes", "fraction", "n_held_out"),
    [
        ([700] + [20] * 15, 0.2, {200}),
        ([20] * 50, 0.1, {100}),
        ([1] * 1000, 0.25, {250}),
        ([900, 100], 0.2, {100}),
        ([500, 300, 200], 0.1, {200}),  # the nearest that whole groups allow
        ([50, 50], 0.9, {50}),  # texts to train on are left
    ],
)
def test_held_out_groups_are_a_fraction_of_the_texts(sizes, fraction, n_held_out, seed):
    groups = np.random.RandomState(9).permutation(np.arange(len(sizes)).repeat(sizes))
    train, held_out = split_off(np.zeros(len(groups)), groups, fraction, seed)
    assert len(held_out) in n_held_out
    assert sorted([*train, *held_out]) == list(range(len(groups)))
    assert not {*groups[train]} & {*groups[held_out]}


def test_held_out_groups_are_random():
    """Each group is held out by some seed, also when one is too large."""
    groups = np.arange(5).repeat(20)
    for fraction in (0.2, 0.01):
        drawn = {
            int(groups[split_off(groups, groups, fraction, seed)[1]][0])
            for seed in range(40)
        }
        assert drawn == set(range(5))
