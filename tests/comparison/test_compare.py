"""Comparison of models: divisions, selection, resumption, time."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline

from sktextconv import compare
from sktextconv.comparison._cell import Cell, Task, read_cell, write_cell
from sktextconv.comparison._compare import _seconds_to_fit
from sktextconv.comparison._noise import add_typos
from sktextconv.comparison._rows import GROUPS, Row, resolve_rows

TEXTS = [
    f"{word} {n}" for n in range(12) for word in ("good film", "bad plot", "so fine")
]
LABELS = ["pos", "neg", "pos"] * 12


class Coin(ClassifierMixin, BaseEstimator):
    """Classifier that answers at random, or rightly with the probability `skill`."""

    def __init__(self, skill=0.5, seed=0):
        self.skill = skill
        self.seed = seed

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        rng = np.random.RandomState(self.seed)
        right = np.array([len(text) % 2 for text in X])
        return self.classes_[np.where(rng.random_sample(len(X)) < self.skill, right, 0)]


class Slow(Coin):
    """Classifier that trains for ten minutes."""

    def fit(self, X, y):
        time.sleep(600)
        return super().fit(X, y)


class Failing(Coin):
    """Classifier that cannot be trained."""

    def fit(self, X, y):
        raise MemoryError("no memory")


# ---------------------------------------------------------------------------
# Divisions and figures
# ---------------------------------------------------------------------------


def test_compare_fixed_test_texts():
    """Errors on given test texts are those of the pipeline itself."""
    X_test, y_test = ["good 77", "bad film", "fine plot"], ["pos", "neg", "neg"]
    plain = make_pipeline(CountVectorizer(), LogisticRegression())
    found = compare(TEXTS, LABELS, models={"plain": plain}, test=(X_test, y_test))
    expected = plain.fit(TEXTS, LABELS)
    (result,) = found.results
    assert result.error.value == np.mean(expected.predict(X_test) != y_test)
    (cell,) = found.cells
    np.testing.assert_allclose(
        cell.probabilities, expected.predict_proba(X_test), rtol=1e-5
    )
    assert found.winner_estimator.predict(X_test).tolist() == (
        expected.predict(X_test).tolist()
    )


def test_compare_folds_test_each_text_once():
    found = compare(TEXTS, LABELS, models=["bow"], cv=3, refit=False)
    tested = np.concatenate([cell.test for cell in found.cells])
    assert sorted(tested) == list(range(len(TEXTS)))
    assert found.confusion().sum() == len(TEXTS)
    assert found.winner_estimator is None


def test_compare_groups_are_not_divided():
    groups = np.repeat(np.arange(9), 4)
    found = compare(TEXTS, LABELS, models=["bow"], cv=3, groups=groups, refit=False)
    for cell in found.cells:
        train = np.setdiff1d(np.arange(len(TEXTS)), cell.test)
        assert not {*groups[train]} & {*groups[cell.test]}


def test_parts_of_the_training_texts_by_group():
    """A part has whole groups until its fraction is reached, and smaller parts."""
    groups = np.arange(36) // 6
    found = compare(
        TEXTS,
        LABELS,
        models=["bow"],
        cv=1 / 3,
        groups=groups,
        train_sizes=[0.01, 0.3, 0.5],
        select=False,
        refit=False,
    )
    assert not found.left
    (curve,) = found.learning_curves()
    n_train = [cell.record["n_train"] for cell in found.cells]
    assert sorted(n_train) == [6, 12, 12, 24]
    assert [n for n, _ in curve.points] == [6, 12, 12, 24]


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by KFold")
@pytest.mark.parametrize(
    "cv", [KFold(3), [(range(20), range(20, 36))]], ids=["splitter", "rows"]
)
def test_division_of_groups_is_refused(cv):
    with pytest.raises(ValueError, match="not to divide groups, got one with texts in"):
        compare(TEXTS, LABELS, models=["bow"], cv=cv, groups=np.arange(36) % 9)


def test_selection_of_one_training_group():
    """Training texts of one group cannot be divided: the default is taken."""
    groups = np.arange(36) // 18
    found = compare(TEXTS, LABELS, models=["bow"], cv=2, groups=groups, refit=False)
    for cell in found.cells:
        assert cell.record["selection"] == []
        assert any("of one group" in each for each in cell.record["warnings"])


def test_compare_repeated_splits():
    """A text of several test sets is one text in intervals, not several."""
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=4, random_state=0)
    models = {"coin": Coin(seed=1), "other": Coin(seed=2)}
    found = compare(TEXTS, LABELS, models=models, cv=cv, refit=False)
    once = compare(TEXTS, LABELS, models=models, cv=2, refit=False)
    assert len(found.cells) == 2 * 8
    width, once_width = (
        each.results[0].error.high - each.results[0].error.low for each in (found, once)
    )
    assert width > 0.5 * once_width  # a fourth of the texts would give the half


def test_compare_train_sizes_are_nested_curves(tmp_path):
    found = compare(TEXTS, LABELS, models=["bow"], train_sizes=[0.25, 0.5], refit=False)
    (curve,) = found.learning_curves()
    assert [n for n, _ in curve.points] == [7, 14, 28]
    assert found.results[0].error == curve.points[-1][1]


def test_compare_noise():
    """Errors with typing errors are those of predictions for the mistyped texts."""
    X_test, y_test = ["good film", "bad plot"] * 10, ["pos", "neg"] * 10
    found = compare(
        TEXTS, LABELS, models=["bow"], test=(X_test, y_test), noise=[0.3], refit=False
    )
    (curve,) = found.noise_curves()
    assert [rate for rate, _ in curve.points] == [0.0, 0.3]
    assert curve.points[1][1].value > curve.points[0][1].value


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_add_typos_rate(rate):
    """Each letter is mistyped with the given probability, and nothing else is."""
    texts = ["abcdefgh ijklmnop 123 456 !?" * 200]
    (noisy,) = add_typos(texts, rate, seed=3)
    assert add_typos(texts, rate, seed=3) == [noisy]
    assert noisy.count("123") == 200
    dropped_and_doubled = abs(len(noisy) - len(texts[0]))
    assert dropped_and_doubled < 300
    if rate == 0.0:
        assert noisy == texts[0]
    elif rate == 0.2:
        kept = sum(a == b for a, b in zip(noisy[:8], texts[0][:8], strict=True))
        assert noisy != texts[0]
        assert kept < 9


# ---------------------------------------------------------------------------
# Time, failures, resumption
# ---------------------------------------------------------------------------


def test_budget_stops_slow_model():
    """A model that does not end in time is left with a reason; others have results."""
    # Most of the time is that of the start of a process, longer on a busy machine.
    start = time.monotonic()
    compare(TEXTS, LABELS, models=["bow"])
    limit = 3 * (time.monotonic() - start)
    start = time.monotonic()
    models = ["bow", ("slow", Slow())]
    found = compare(TEXTS, LABELS, models=models, max_seconds=limit)
    assert time.monotonic() - start < limit + 60
    assert [result.model for result in found.results] == ["bow"]
    assert [each.model for each in found.left] == ["slow"]
    assert found.winner_estimator is not None


def test_reserved_time_grows_with_texts():
    """The fit to all texts takes longer than that to the training texts."""
    cell = Cell("a", 0, 1.0, None, None, None, {}, {"n_train": 80, "seconds": 2.0})
    assert _seconds_to_fit(cell, 160, None) == pytest.approx(1.2 * 4.0)
    assert _seconds_to_fit(cell, 160, 100.0) == pytest.approx(1.2 * 4.0 + 2.0)


def test_failing_model_is_left():
    models = {"coin": Coin(), "failing": Failing()}
    found = compare(TEXTS, LABELS, models=models)
    assert [result.model for result in found.results] == ["coin"]
    (left,) = found.left
    assert left.reason == "MemoryError: no memory"


def test_no_finished_model_is_an_error():
    with pytest.raises(RuntimeError, match=r"got none \(failing: MemoryError"):
        compare(TEXTS, LABELS, models={"failing": Failing()})


def test_resumes_from_finished_cells(tmp_path):
    """Cells in the folder are not run again; another seed is another cell."""
    first = compare(TEXTS, LABELS, models=["bow"], folder=tmp_path, refit=False)
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    again = compare(TEXTS, LABELS, models=["bow"], folder=tmp_path, refit=False)
    assert path.stat().st_mtime_ns == before
    assert again.to_records() == first.to_records()
    other = {"folder": tmp_path, "refit": False, "random_state": 1}
    compare(TEXTS, LABELS, models=["bow"], **other)
    compare(TEXTS, ["a", "b"] * 18, models=["bow"], folder=tmp_path, refit=False)
    assert len([*tmp_path.iterdir()]) == 3


def test_cell_key_has_all_that_changes_it():
    task = Task("a", Row("A", Coin, 1.0), 0, np.arange(3), np.arange(3, 5))
    changes = {
        "row": Row("A", Coin, 1.0, grid={"seed": [1, 2]}),
        "train": np.arange(2),
        "test": np.arange(4, 5),
        "seed": 1,
        "select": False,
        "noise": (0.1,),
    }
    keys = {dataclasses.replace(task, **{key: changes[key]}).key("") for key in changes}
    keys |= {task.key(""), task.key("other data")}
    assert len(keys) == len(changes) + 2


def test_cell_survives_its_file(tmp_path):
    cell = Cell(
        "a/b",
        1,
        0.5,
        np.arange(2),
        np.array([1, 0]),
        np.array([[0.25, 0.75], [1, 0]], dtype=np.float32),
        {0.1: np.array([0, 0])},
        {"n_train": 3},
    )
    write_cell(cell, tmp_path / "cell.npz")
    found = read_cell(tmp_path / "cell.npz")
    assert (found.model, found.split, found.fraction) == ("a/b", 1, 0.5)
    assert found.record == {"n_train": 3}
    np.testing.assert_array_equal(found.probabilities, cell.probabilities)
    np.testing.assert_array_equal(found.noisy[0.1], cell.noisy[0.1])


_SCRIPT = """
import sys
from sktextconv import compare, load_docstrings
docs = load_docstrings()
compare(docs.data[:300], docs.target[:300], models=["fast"], cv=2, n_jobs=1,
        folder=sys.argv[1], refit=False)
"""


@pytest.mark.slow
def test_killed_comparison_ends_with_same_cells(tmp_path):
    """Twenty kills at random moments lose no cell and change no bit."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-c", _SCRIPT]
    subprocess.run([*command, whole], check=True)
    rng = np.random.RandomState(0)
    n_kills = 0
    while n_kills < 20:
        process = subprocess.Popen([*command, killed])
        try:
            assert process.wait(rng.uniform(0.5, 8.0)) == 0
            for path in killed.iterdir():  # begin again
                path.unlink()
        except subprocess.TimeoutExpired:
            n_kills += 1
            os.kill(process.pid, rng.choice([signal.SIGKILL, signal.SIGINT]))
            process.wait()
    subprocess.run([*command, killed], check=True)
    assert {p.name for p in killed.glob("*.npz")} == {p.name for p in whole.iterdir()}
    for path in whole.iterdir():
        one, other = read_cell(path), read_cell(killed / path.name)
        assert one.predicted.tobytes() == other.predicted.tobytes()
        assert one.probabilities.tobytes() == other.probabilities.tobytes()


def test_processes_end_with_parent(tmp_path):
    """A killed comparison leaves no process that goes on training."""
    script = (
        "from tests.comparison.test_compare import *\n"
        "compare(TEXTS, LABELS, models={'slow': Slow()})\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    children = []
    deadline = time.monotonic() + 60
    while len(children) < 1 and time.monotonic() < deadline:
        time.sleep(0.1)
        children = _children(process.pid)
    assert children
    process.kill()
    process.wait()
    while any(map(_is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_is_running, children))


def _children(pid):
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in path.read_text().split()] if path.exists() else []


def _is_running(pid):
    path = Path(f"/proc/{pid}/stat")
    return path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"


# ---------------------------------------------------------------------------
# Arguments and output
# ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": "tfifd"}, "Did you mean 'tfidf'"),
        ({"models": []}, "at least one model"),
        ({"models": ["bow", "bow"]}, "'bow' twice"),
        ({"cv": 1.5}, "fraction between 0 and 1"),
        ({"cv": 1}, "2 or more folds"),
        ({"cv": np.int64(-1)}, "2 or more folds"),
        ({"cv": []}, "no division"),
        ({"cv": [(range(30), [])]}, "30 training and 0 test texts"),
        ({"cv": [(range(30), range(29, 36))]}, "1 in both parts"),
        ({"groups": ["a", None] * 18}, "None at index 1"),
        ({"groups": [1.0, np.nan] * 18}, "nan at index 1"),
        ({"train_sizes": [10]}, "up to 1"),
        ({"noise": [2.0]}, "fractions above 0 in noise"),
        ({"max_seconds": 0}, "max_seconds above 0"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"test": ["a text"]}, "pair"),
        ({"test": (["a"], ["other"])}, "among those of y"),
        ({"groups": [1, 2]}, "one value of groups for each of 36 texts, got 2"),
    ],
)
def test_invalid_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        compare(TEXTS, LABELS, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": True}, "Expected cv to be a fraction"),
        ({"cv": "5"}, "Expected cv to be a fraction"),
        ({"cv": None}, "Expected cv to be a fraction"),
        ({"train_sizes": 0.5}, "sequence of fractions as train_sizes"),
        ({"models": [make_pipeline(Coin(), Coin(), Coin())]}, "Name your estimators"),
        ({"models": {"class": Coin}}, "Name your estimators, instances"),
        ({"models": [("a", Coin(), 1)]}, "Name your estimators"),
    ],
)
def test_arguments_of_another_type(options, message):
    with pytest.raises(TypeError, match=message):
        compare(TEXTS, LABELS, **options)


def test_labels_of_another_kind():
    """Texts as labels, and numbers that are no classes, are refused."""
    with pytest.raises(ValueError, match="seem to be swapped"):
        compare(LABELS, [f"a very long text {text}" for text in TEXTS])
    with pytest.raises(ValueError, match="Unknown label type"):
        compare(TEXTS, np.linspace(0, 1, 36))


def test_divisions_as_masks_and_rows():
    """Pairs of rows or of masks are divisions, as for scikit-learn."""
    is_train = np.arange(36) < 24
    cv = [(is_train, ~is_train), (range(24), range(24, 36))]
    found = compare(TEXTS, LABELS, models={"coin": Coin()}, cv=cv, refit=False)
    first, second = found.cells
    assert first.test.tolist() == second.test.tolist() == list(range(24, 36))


def test_model_that_cannot_be_pickled():
    model = make_pipeline(CountVectorizer(tokenizer=lambda text: text), Coin())
    with pytest.raises(TypeError, match="can be pickled as 'mine'"):
        compare(TEXTS, LABELS, models={"mine": model})


def test_rows_of_groups():
    assert [*resolve_rows("fast")] == ["tfidf", "ngrams-nb", "bow", "bow-tfidf"]
    assert {*GROUPS["networks"]} | {*GROUPS["linear"]} == {*resolve_rows("all")}
    assert len(resolve_rows("paper")) == 22


def test_order_of_equal_models(tmp_path):
    """Models of equal error are ranked as they were given, also after a resumption."""
    compare(TEXTS, LABELS, models=["tfidf"], folder=tmp_path, refit=False)
    found = compare(
        TEXTS, LABELS, models=["bow", "tfidf"], folder=tmp_path, refit=False
    )
    assert found.results[0].error == found.results[1].error
    assert [each.model for each in found.results] == ["bow", "tfidf"]
    assert found.winner == found.best == "bow"


def test_json_holds_cells_and_settings():
    found = compare(TEXTS, LABELS, models=["bow"], refit=False)
    read = json.loads(found.to_json())
    assert read["winner"] == "bow"
    assert read["results"][0]["error"] == found.results[0].error.value
    assert read["data"]["classes"] == {"neg": 12, "pos": 24}
    assert read["cells"][0]["n_train"] == 28
    assert found.to_frame().loc["bow", "error"] == found.results[0].error.value
