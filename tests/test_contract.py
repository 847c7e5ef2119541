"""Every promise of a classifier of texts, for every public classifier."""

import copy
import dataclasses
import inspect
import os
import pickle
import random
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import sklearn
import torch
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.utils import get_tags
from skorch.callbacks import Callback

import sktextconv
from sktextconv import VDCNNClassifier
from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)

from .contract import NETWORKS

PIPELINES = {
    "bow": make_bow_classifier(),
    "bow-tfidf": make_bow_classifier(tfidf=True),
    "ngrams": make_ngram_classifier(max_n=2),
    "ngrams-tfidf": make_ngram_classifier(max_n=2, tfidf=True),
    "ngrams-nb": make_nb_ngram_classifier(),
    "bag-of-means": make_bag_of_means_classifier(
        n_means=4, embedding_dim=8, min_count=1, random_state=0
    ),
}
EVERY_CLASSIFIER = NETWORKS | PIPELINES


@pytest.fixture(params=NETWORKS)
def network(request):
    return clone(NETWORKS[request.param])


@pytest.fixture(params=EVERY_CLASSIFIER)
def classifier(request):
    return clone(EVERY_CLASSIFIER[request.param])


_FITTED = {}


@pytest.fixture
def fitted(network, corpus):
    """A fitted network, trained once for all tests that change nothing."""
    name = type(network).__name__
    if name not in _FITTED:
        _FITTED[name] = network.fit(*corpus)
    return _FITTED[name]


@pytest.fixture
def fitted_copy(fitted):
    return copy.deepcopy(fitted)


def same_bits(one, other, texts):
    return np.array_equal(one.predict_proba(texts), other.predict_proba(texts))


# -- parameters and state -------------------------------------------------------


def test_every_public_classifier_is_under_contract():
    public = {
        name
        for name in sktextconv.__all__
        if inspect.isclass(getattr(sktextconv, name))
        and issubclass(getattr(sktextconv, name), sklearn.base.ClassifierMixin)
    }
    assert public == {type(network).__name__ for network in NETWORKS.values()}


def test_constructor_takes_keywords_with_plain_defaults(network):
    parameters = list(inspect.signature(type(network)).parameters.values())
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert all(
        isinstance(p.default, (str, int, float, bool, type(None), tuple, type))
        for p in parameters
    )
    annotated = {field.name for field in dataclasses.fields(type(network))}
    assert annotated == set(network.get_params()) == {p.name for p in parameters}


def test_constructor_looks_at_nothing(network):
    wrong = {name: object() for name in network.get_params()}
    assert type(network)(**wrong).get_params() == wrong


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max_epochs", 0, "must be an int in the range [1, inf). Got 0 instead."),
        ("max_epochs", True, "must be an int in the range [1, inf). Got True instead."),
        ("max_epochs", 1.0, "must be an int in the range [1, inf). Got 1.0 instead."),
        ("batch_size", "8", "must be an int in the range [1, inf). Got '8' instead."),
        ("learning_rate", 0, "must be a float in the range (0.0, inf) or None."),
        ("learning_rate", float("nan"), "Got nan instead."),
        ("validation_fraction", 1.0, "must be a float in the range (0.0, 1.0)."),
        ("precision", "half", "must be a str among {'auto', 'bfloat16', 'float32'}."),
        ("early_stopping", 1, "must be a bool. Got 1 instead."),
        ("class_weight", "even", "an instance of 'dict', a str among {'balanced'} or"),
        ("random_state", -1, "an instance of 'RandomState' or None. Got -1 instead."),
        ("tol", -1.0, "must be a float in the range [0.0, inf). Got -1.0 instead."),
    ],
)
def test_bad_parameter_is_refused_in_one_sentence(
    network, corpus, name, value, sentence, call
):
    network.set_params(**{name: value})
    with pytest.raises(ValueError, match="parameter of") as caught:
        getattr(network, call)(*corpus)
    start = f"The {name!r} parameter of {type(network).__name__} must be "
    assert str(caught.value).startswith(start)
    assert sentence in str(caught.value)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


def test_numpy_scalars_are_numbers(network, corpus):
    network.set_params(
        max_epochs=np.int64(1),
        batch_size=np.int32(8),
        learning_rate=np.float32(1e-3),
        warm_start=np.bool_(False),
    )
    assert network.fit(*corpus).n_iter_ == 1


def test_fit_leaves_parameters_alone_and_sets_only_fitted_names(network, corpus):
    before = network.get_params()
    names = set(vars(network))
    network.fit(*corpus)
    assert network.get_params() == before
    new = set(vars(network)) - names
    assert all(name.startswith("_") or name.endswith("_") for name in new)
    assert {"classes_", "encoder_", "history_", "n_iter_", "net_"} <= new


@pytest.mark.parametrize("name", ["n_features_in_", "feature_names_in_", "set_output"])
def test_nothing_of_tables_is_claimed(fitted, name):
    assert not hasattr(fitted, name)


def test_tags_say_texts(network):
    tags = get_tags(network).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)


def test_unfitted_says_so_before_it_looks_at_the_texts(network):
    for method in (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    ):
        with pytest.raises(NotFittedError):
            getattr(network, method)(None)


def test_failed_first_fit_leaves_it_unfitted(network, corpus):
    texts, labels = corpus
    with pytest.raises(ValueError, match="learning_rate"):
        network.set_params(learning_rate=1e30, max_epochs=5).fit(texts, labels)
    with pytest.raises(NotFittedError):
        network.predict(texts)


def test_second_fit_starts_afresh(network, corpus):
    texts, labels = corpus
    again = clone(network).fit(texts[:8], [3, 1, 2, 3] * 2).fit(texts, labels)
    assert same_bits(again, network.fit(texts, labels), texts)
    after_partial = clone(network).partial_fit(texts, labels, classes=["neg", "pos"])
    assert same_bits(after_partial.fit(texts, labels), network, texts)


def test_prediction_reads_fitted_state_only(fitted_copy, corpus):
    expected = fitted_copy.predict_proba(corpus[0])
    fitted_copy.set_params(recipe="paper", random_state=9, max_epochs=99)
    if "max_length" in fitted_copy.get_params():
        fitted_copy.set_params(max_length=1014)
    assert np.array_equal(fitted_copy.predict_proba(corpus[0]), expected)
    assert same_bits(pickle.loads(pickle.dumps(fitted_copy)), fitted_copy, corpus[0])


def test_prediction_changes_no_attribute(fitted, corpus):
    before = pickle.dumps(fitted)
    fitted.predict(corpus[0])
    fitted.decision_function(corpus[0])
    assert pickle.dumps(fitted) == before


@pytest.mark.parametrize("n_texts", [2, 3, 9])
@pytest.mark.parametrize("batch_size", [1, 8, 1000])
def test_any_number_of_texts_fits(network, corpus, n_texts, batch_size):
    texts = corpus[0][:n_texts]
    labels = ["a"] + ["b"] * (n_texts - 1)
    network.set_params(batch_size=batch_size, max_epochs=1).fit(texts, labels)
    assert network.predict_proba(texts).shape == (n_texts, 2)


def test_verbose_0_writes_nothing_and_1_a_line_per_epoch(network, corpus, capfd):
    network.fit(*corpus)
    assert capfd.readouterr() == ("", "")
    network.set_params(verbose=1).fit(*corpus)
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == network.n_iter_
    assert err == ""


def test_history_has_a_record_per_epoch(fitted):
    assert [row["epoch"] for row in fitted.history_] == [1, 2]
    assert fitted.n_iter_ == 2
    for row in fitted.history_:
        assert row.keys() >= {"train_loss", "train_error", "learning_rate", "seconds"}
        assert 0 <= row["train_error"] <= 1


def test_callbacks_are_called_and_not_changed(network, corpus):
    epochs = []

    class Counter(Callback):
        seen = 0

        def on_epoch_end(self, net, **kwargs):
            self.seen += 1
            epochs.append(self.seen)

    counter = Counter()
    network.set_params(callbacks=[counter]).fit(*corpus)
    assert epochs == [1, 2]
    assert counter.seen == 0


class Interrupt(Callback):
    """Press Ctrl-C in a given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_interrupt_in_the_first_epoch_is_not_swallowed(network, corpus):
    network.set_params(callbacks=[Interrupt(1)])
    with pytest.raises(KeyboardInterrupt):
        network.fit(*corpus)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


def test_interrupt_later_keeps_the_finished_epochs_with_a_warning(network, corpus):
    network.set_params(callbacks=[Interrupt(2)])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        network.fit(*corpus)
    assert network.n_iter_ == len(network.history_) == 1


# -- outputs --------------------------------------------------------------------


def test_probabilities_sum_to_one_and_logs_are_finite(fitted, corpus):
    texts = corpus[0]
    proba, log_proba = fitted.predict_proba(texts), fitted.predict_log_proba(texts)
    assert proba.dtype == log_proba.dtype == np.float64
    assert proba.flags.writeable
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=1e-12)
    with torch.no_grad():  # logits of some hundreds: exp underflows
        fitted = copy.deepcopy(fitted)
        bias = [p for p in fitted.net_.module_.parameters() if p.shape == (2,)][-1]
        bias.add_(torch.tensor([0.0, 900.0]))
    assert np.isfinite(fitted.predict_log_proba(texts)).all()


def test_decision_is_one_column_for_two_classes_and_agrees(fitted, corpus):
    texts = corpus[0]
    scores, proba = fitted.decision_function(texts), fitted.predict_proba(texts)
    assert scores.shape == (len(texts),)
    np.testing.assert_allclose(scores, np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)
    predicted = fitted.predict(texts)
    assert (predicted == fitted.classes_[(scores > 0).astype(int)]).all()
    assert (predicted == fitted.classes_[proba.argmax(axis=1)]).all()


def test_decision_has_a_column_per_class_for_three(network, corpus):
    texts, labels = corpus[0], np.arange(len(corpus[0])) % 3
    assert network.fit(texts, labels).decision_function(texts).shape == (len(texts), 3)


LABELS = {
    "str": ["b", "a"],
    "object": np.array(["b", "a"], dtype=object),
    "negative": [-7, 40],
    "int8": np.array([5, -5], dtype=np.int8),
    "uint8": np.array([200, 3], dtype=np.uint8),
    "bool": [True, False],
    "float": [2.0, 0.0],
    "categorical": pd.Categorical(["b", "a"]),
    "series": pd.Series([2, 1], index=[9, 9]),
    "nullable": pd.array([2, 1], dtype="Int64"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_as_given(classifier, corpus, kind):
    pair = LABELS[kind]
    texts = corpus[0][:12]  # six of the first class, six of the second
    rows = [0] * 6 + [1] * 6
    labels = pair.iloc[rows] if kind == "series" else pair
    labels = labels if kind == "series" else np.asarray(pair).take(rows)
    if kind in ("categorical", "nullable"):
        labels = pd.Series(pair).iloc[rows]
    classifier.fit(texts, labels)
    assert classifier.classes_.tolist() == sorted(set(np.asarray(pair).tolist()))
    predicted = classifier.predict(texts)
    assert predicted.dtype == classifier.classes_.dtype
    assert set(predicted.tolist()) <= set(np.asarray(pair).tolist())


def test_a_row_does_not_depend_on_the_others(fitted_copy, corpus):
    texts = [*corpus[0], "", "one long text " * 30]
    whole = fitted_copy.predict_proba(texts)
    order = np.random.RandomState(0).permutation(len(texts))
    shuffled = fitted_copy.predict_proba([texts[i] for i in order])
    np.testing.assert_allclose(shuffled, whole[order], rtol=0, atol=1e-5)
    for batch_size in (1, 3, 100):
        one = fitted_copy.set_params(batch_size=batch_size).predict_proba(texts)
        np.testing.assert_allclose(one, whole, rtol=0, atol=1e-5)
    alone = np.concatenate([fitted_copy.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(alone, whole, rtol=0, atol=1e-5)


# -- random numbers ---------------------------------------------------------------


def test_same_seed_same_bits_after_any_use_of_global_generators(network, corpus):
    one = clone(network).fit(*corpus)
    torch.rand(3), np.random.rand(3), random.random()
    assert same_bits(one, clone(network).fit(*corpus), corpus[0])
    other = clone(network).set_params(random_state=1).fit(*corpus)
    assert not same_bits(one, other, corpus[0])


def test_same_seed_same_bits_in_another_process(network, corpus, tmp_path):
    path = tmp_path / "job.pkl"
    joblib.dump((network, *corpus), path)
    script = (
        "import joblib, torch; torch.set_num_threads(1)\n"
        f"network, X, y = joblib.load({str(path)!r})\n"
        f"joblib.dump(network.fit(X, y).predict_proba(X), {str(path)!r})\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    expected = network.fit(*corpus).predict_proba(corpus[0])
    assert np.array_equal(joblib.load(path), expected)


def test_no_global_state_moves(network, corpus):
    def snapshot():
        return (
            torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),
            random.getstate(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
            warnings.filters[:],
            np.geterr(),
            dict(os.environ),
            os.getcwd(),
        )

    before = snapshot()
    network.fit(*corpus)
    assert snapshot() == before
    network.partial_fit(*corpus).predict(corpus[0])
    assert snapshot() == before
    with pytest.raises(ValueError, match="loss became"):
        network.set_params(learning_rate=1e30, max_epochs=5).fit(*corpus)
    assert snapshot() == before
    pickle.loads(pickle.dumps(network))
    assert snapshot() == before
    with torch.no_grad():
        network.set_params(learning_rate=None, n_jobs=2, max_epochs=1).fit(*corpus)
        assert torch.get_num_threads() == before[5]


def test_without_a_seed_numpys_generator_decides(network, corpus):
    network.set_params(random_state=None)
    fits = []
    for seed in (5, 5, 6):
        np.random.seed(seed)
        fits.append(clone(network).fit(*corpus))
    assert same_bits(fits[0], fits[1], corpus[0])
    assert not same_bits(fits[0], fits[2], corpus[0])


def test_a_generator_is_consumed(network, corpus):
    network.set_params(random_state=np.random.RandomState(3))
    first = network.fit(*corpus).predict_proba(corpus[0])
    assert not np.array_equal(network.fit(*corpus).predict_proba(corpus[0]), first)


def test_threads_do_not_disturb_each_other(network, corpus):
    expected = clone(network).fit(*corpus)
    state = torch.get_rng_state()
    networks = [clone(network) for _ in range(3)]
    workers = [threading.Thread(target=each.fit, args=corpus) for each in networks]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same_bits(each, expected, corpus[0]) for each in networks)
    assert torch.equal(torch.get_rng_state(), state)


# -- weights and classes ----------------------------------------------------------


def test_unit_weights_are_no_weights_and_scale_does_not_matter(network, corpus):
    plain = clone(network).fit(*corpus)
    for value in (1, 4, np.float32(0.25)):
        weights = [value] * len(corpus[0])
        weighted = clone(network).fit(*corpus, sample_weight=weights)
        assert same_bits(plain, weighted, corpus[0])


def test_class_weight_is_sample_weight(network, corpus):
    texts, labels = corpus
    by_class = clone(network).set_params(class_weight={"pos": 3, "neg": 1})
    by_row = clone(network).fit(texts, labels, np.where(labels == "pos", 3.0, 1.0))
    assert same_bits(by_class.fit(texts, labels), by_row, texts)


def test_balanced_counts_rows_by_their_weights(network, corpus):
    texts, labels = corpus[0][:16], corpus[1][:16]
    rows = np.where(labels == "pos", 2.0, 1.0)
    mass = {label: rows[labels == label].sum() for label in ("pos", "neg")}
    expected = clone(network).fit(
        texts, labels, rows * [rows.sum() / (2 * mass[label]) for label in labels]
    )
    balanced = clone(network).set_params(class_weight="balanced")
    np.testing.assert_allclose(
        balanced.fit(texts, labels, rows).predict_proba(texts),
        expected.predict_proba(texts),
        atol=1e-6,
    )


def test_weight_0_is_a_row_removed_but_its_class_stays(network, corpus):
    texts, labels = corpus
    weights = np.r_[np.ones(len(texts)), 0, 0]
    removed = clone(network).fit(
        [*texts, "zzz", "rare"], [*labels, "pos", "rare"], weights
    )
    assert removed.classes_.tolist() == ["neg", "pos", "rare"]
    doubled = clone(network).fit(
        [*texts, "another", "text"], [*labels, "pos", "rare"], weights
    )
    assert same_bits(removed, doubled, texts)


def test_weight_2_is_a_row_twice_in_one_full_batch(network, corpus):
    if isinstance(network, VDCNNClassifier):
        pytest.skip("a row that is there twice counts twice in BatchNorm's means")
    texts, labels = corpus[0][:8], corpus[1][:8]
    known = network.get_params()
    for name in {"dropout", "embedding_dropout"} & known.keys():
        network.set_params(**{name: 0.0})
    network.set_params(batch_size=100, max_epochs=1, learning_rate=1e-4)
    weighted = clone(network).fit(texts, labels, [2] + [1] * 7)
    twice = clone(network).fit([*texts, texts[0]], [*labels, labels[0]])
    np.testing.assert_allclose(
        weighted.history_[0]["train_loss"], twice.history_[0]["train_loss"], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (np.ones(3), "sample_weight.shape"),
        (np.ones((24, 1)), "1D"),
        ([np.nan] + [1] * 23, "NaN"),
        ([np.inf] + [1] * 23, "infinity"),
        ([-1] + [1] * 23, "[Nn]egative"),
        (np.zeros(24), "at least one non-zero"),
    ],
)
def test_bad_weights_are_refused(network, corpus, weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        network.fit(*corpus, sample_weight=weights)


def test_weights_count_by_position_and_are_not_changed(network, corpus):
    texts, labels = corpus
    weights = pd.Series(np.arange(1.0, 25.0), index=np.arange(24)[::-1])
    kept = weights.copy()
    by_series = clone(network).fit(texts, labels, weights)
    assert same_bits(by_series, clone(network).fit(texts, labels, list(kept)), texts)
    pd.testing.assert_series_equal(weights, kept)


def test_class_weights_of_zero_alone_are_refused(network, corpus):
    network.set_params(class_weight={"pos": 0, "neg": 0})
    with pytest.raises(ValueError, match="at least one non-zero number"):
        network.fit(*corpus)


@pytest.mark.parametrize("n_texts", [1, 4])
def test_one_class_is_refused(network, corpus, n_texts):
    with pytest.raises(ValueError, match=r"at least 2 classes .* only one class: 'a'"):
        network.fit(corpus[0][:n_texts], ["a"] * n_texts)


@pytest.mark.parametrize(
    ("y", "error", "sentence"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None"),
        ([np.nan, 1.0], ValueError, "Input y contains NaN"),
        ([0.5, 1.7], ValueError, "Unknown label type: continuous"),
        (np.zeros((2, 3)), ValueError, "y should be a 1d array"),
        ([1], ValueError, r"inconsistent numbers of samples: \[2, 1\]"),
        (np.array(["a", 1.5], dtype=object), (TypeError, ValueError), "str|mix|type"),
    ],
)
def test_bad_labels_are_refused(network, y, error, sentence):
    with pytest.raises(error, match=sentence):
        network.fit(["one", "two"], y)


def test_a_column_of_labels_is_flattened_with_a_warning(network, corpus):
    texts, labels = corpus
    with pytest.warns(DataConversionWarning):
        network.fit(texts, labels[:, None])
    assert network.predict(texts).shape == (len(texts),)


# -- incremental --------------------------------------------------------------------


def test_partial_fit_is_one_pass_and_goes_on(network, corpus):
    texts, labels = corpus
    network.set_params(max_epochs=9).partial_fit(texts, labels, classes=["pos", "neg"])
    assert network.classes_.tolist() == ["neg", "pos"]
    first = network.predict_proba(texts)
    network.partial_fit(texts[:1], labels[:1]).partial_fit(["", "@@"], ["pos", "neg"])
    assert not np.array_equal(network.predict_proba(texts), first)
    assert [row["epoch"] for row in network.history_] == [1, 2, 3]


def test_partial_fit_after_fit_goes_on_with_its_model(network, corpus):
    texts, labels = corpus
    network.fit(texts, labels)
    # Parameters, not buffers: the means of a BatchNorm move at any learning rate.
    weights = dict(network.net_.module_.named_parameters())
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    network.set_params(learning_rate=1e-9).partial_fit(texts, labels)
    for name, weight in network.net_.module_.named_parameters():
        torch.testing.assert_close(weight.data, before[name], atol=1e-5, rtol=1e-3)


def test_a_refused_partial_fit_changes_nothing(network, corpus):
    texts, labels = corpus
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        network.partial_fit(texts, labels)
    with pytest.raises(ValueError, match="only one class"):
        network.partial_fit(texts, ["pos"] * len(texts), classes=["pos"])
    network.partial_fit(texts, labels, classes=["neg", "pos"])
    before = pickle.dumps(network)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        network.partial_fit(texts, labels, classes=["neg", "other"])
    with pytest.raises(ValueError, match="`y` has classes not in"):
        network.partial_fit(texts[:2], ["pos", "new"])
    with pytest.raises(ValueError, match="Input X contains NaN or None"):
        network.partial_fit([None], ["pos"])
    assert pickle.dumps(network) == before


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight 'balanced' is not supported"),
    ],
)
def test_partial_fit_refuses_what_needs_all_data(network, corpus, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        network.set_params(**setting).partial_fit(*corpus, classes=["neg", "pos"])


def test_pickling_between_calls_changes_nothing(network, corpus):
    texts, labels = corpus
    network.partial_fit(texts, labels, classes=["neg", "pos"])
    other = pickle.loads(pickle.dumps(network))
    assert same_bits(network.partial_fit(*corpus), other.partial_fit(*corpus), texts)


def test_warm_start_goes_on(network, corpus):
    texts, labels = corpus
    network.set_params(warm_start=True).fit(texts, labels)
    last = network.history_[-1]["train_loss"]
    network.fit(texts, labels)
    assert len(network.history_) == 4
    assert network.n_iter_ == 2
    assert network.history_[2]["train_loss"] < last + 0.05
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has"):
        network.fit(texts, ["a", "b"] * 12)
    with pytest.raises(ValueError, match="recipe cannot change"):
        network.set_params(recipe="paper").fit(texts, labels)


def test_early_stopping_restores_the_best_epoch(network, corpus):
    texts, labels = corpus
    biases, tolerance = [], 0.02

    class KeepBias(Callback):
        def on_epoch_end(self, net, **kwargs):
            biases.append(list(net.module_.parameters())[-1].detach().clone())

    network.set_params(
        early_stopping=True,
        validation_fraction=0.25,
        n_iter_no_change=2,
        tol=tolerance,
        max_epochs=30,
        callbacks=[KeepBias()],
    )
    network.fit(texts, labels)
    best, best_epoch = np.inf, 0
    for row in network.history_:
        if row["valid_loss"] < best - tolerance:
            best, best_epoch = row["valid_loss"], row["epoch"]
    assert network.n_iter_ == len(network.history_) == best_epoch + 2 < 30
    restored = list(network.net_.module_.parameters())[-1]
    assert torch.equal(restored, biases[best_epoch - 1])
    assert not torch.equal(restored, biases[-1])


class Recorder:
    """An augmenter that keeps what it was asked for, and says something else."""

    def __init__(self, texts=None):
        self.texts = texts
        self.asked = []

    def __deepcopy__(self, memo):  # so that clones write to the same list
        return self

    def augment(self, texts, *, seed, epoch):
        self.asked.append((list(texts), seed, epoch))
        return list(texts) if self.texts is None else self.texts


def test_augmenter_sees_the_training_texts_anew_before_each_epoch(network, corpus):
    texts, labels = corpus
    augmenter = Recorder()
    augmented = clone(network).set_params(augmenter=augmenter).fit(texts, labels)
    assert [asked[0] for asked in augmenter.asked] == [texts] * 2
    assert [asked[2] for asked in augmenter.asked] == [0, 1]
    assert len({seed for _, seed, _ in augmenter.asked}) == 1
    augmented.predict(texts)
    assert len(augmenter.asked) == 2
    augmented.partial_fit(texts[:9], labels[:9])
    assert augmenter.asked[-1][::2] == (texts[:9], 2)
    again = Recorder()
    clone(network).set_params(augmenter=again).fit(texts, labels)
    assert again.asked == augmenter.asked[:2]


def test_training_goes_by_the_augmented_texts(network, corpus):
    texts, labels = corpus
    same = clone(network).set_params(augmenter=Recorder()).fit(texts, labels)
    swapped = clone(network).set_params(augmenter=Recorder(texts[::-1]))
    swapped.fit(texts, labels)
    assert same.history_[-1]["train_loss"] != swapped.history_[-1]["train_loss"]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"augmenter": 3}, "'augmenter' parameter .* augment"),
        ({"schedule": "no_such"}, "'?schedule'? .*no_such"),
    ],
)
def test_what_cannot_augment_or_schedule_is_refused(network, corpus, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        clone(network).set_params(**setting).fit(*corpus)


def test_schedule_by_name_decides_the_rates(network, corpus):
    constant = clone(network).set_params(schedule="constant", learning_rate=0.01)
    rates = [epoch["learning_rate"] for epoch in constant.fit(*corpus).history_]
    assert rates == [0.01] * 2


def test_bucketing_trains_on_every_text(network, corpus):
    bucketed = clone(network).set_params(bucketing=True).fit(*corpus)
    assert [epoch["n_texts"] for epoch in bucketed.history_] == [24, 24]


def test_impossible_split_names_the_class_and_the_remedy(network, corpus):
    texts = corpus[0]
    labels = ["rare"] + ["common"] * (len(texts) - 1)
    with pytest.raises(ValueError, match=r"'rare' has 1.*early_stopping=False"):
        network.set_params(early_stopping=True).fit(texts, labels)


# -- texts ------------------------------------------------------------------------

SAME_AS_A_LIST = {
    "tuple": tuple,
    "unicode array": np.array,
    "object array": lambda texts: np.array(texts, dtype=object),
    "strided array": lambda texts: np.repeat(np.array(texts, dtype=object), 2)[::2],
    "StringDType": lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
    "Series": lambda texts: pd.Series(texts, index=[7] * len(texts)),
    "object Series": lambda texts: pd.Series(texts, dtype=object),
    "string Series": lambda texts: pd.Series(texts, dtype="string[python]"),
    "arrow Series": lambda texts: pd.Series(texts, dtype="string[pyarrow]"),
    "category": lambda texts: pd.Series(texts, dtype="category"),
    "Index": pd.Index,
    "polars": pl.Series,
    "pyarrow": pa.array,
    "chunked": lambda texts: pa.chunked_array([texts[:5], texts[5:]]),
    "str subclass": lambda texts: [np.str_(text) for text in texts],
}


@pytest.mark.parametrize("kind", SAME_AS_A_LIST)
def test_every_container_gives_the_bits_of_the_list(fitted, corpus, kind):
    texts = SAME_AS_A_LIST[kind](corpus[0])
    expected = fitted.predict_proba(corpus[0])
    assert np.array_equal(fitted.predict_proba(texts), expected)


@pytest.mark.parametrize("kind", ["object array", "arrow Series", "polars", "chunked"])
def test_fit_takes_every_container(network, fitted, corpus, kind):
    network.fit(SAME_AS_A_LIST[kind](corpus[0]), corpus[1])
    assert same_bits(network, fitted, corpus[0])


REFUSED = {
    "str": ("one text", ValueError, "Iterable over raw text documents expected"),
    "bytes": (b"one", ValueError, "Iterable over raw text documents expected"),
    "None inside": (["a", "b", None], ValueError, r"NaN or None \(first at index 2\)"),
    "NaN inside": (["a", np.nan], ValueError, "Use '' for an empty document"),
    "NA inside": (["a", pd.NA], ValueError, r"NaN or None \(first at index 1\)"),
    "NaT inside": (["a", pd.NaT], ValueError, r"NaN or None \(first at index 1\)"),
    "null": (pa.array(["a", None]), ValueError, r"NaN or None \(first at index 1\)"),
    "bytes inside": ([b"a"], TypeError, "got bytes at index 0; decode the documents"),
    "int inside": (["a", 3], TypeError, "X must contain only str, got int at index 1"),
    "list inside": ([["a"]], TypeError, "X must contain only str, got list at index 0"),
    "tensor": (
        torch.arange(3),
        TypeError,
        "X must contain only str, got int at index 0",
    ),
    "2-D": (np.array([["a"], ["b"]]), ValueError, r"got 2D array of shape \(2, 1\)"),
    "DataFrame": (pd.DataFrame({"t": ["a"]}), ValueError, "Expected a 1D array-like"),
    "polars frame": (
        pl.DataFrame({"t": ["a"]}),
        ValueError,
        "Expected a 1D array-like",
    ),
    "0-d": (np.array("a"), TypeError, "Expected sequence or array-like"),
    "dict": (
        {"a": 1},
        TypeError,
        "Expected sequence or array-like, got <class 'dict'>",
    ),
    "set": ({"a"}, TypeError, "Expected sequence or array-like, got <class 'set'>"),
    "None": (None, TypeError, "Expected sequence or array-like"),
    "int": (5, TypeError, "Expected sequence or array-like, got <class 'int'>"),
    "sparse": (scipy.sparse.eye(2, format="csr"), TypeError, "Expected sequence or"),
    "generator": ((t for t in "ab"), TypeError, "got <class 'generator'>"),
    "empty": ([], ValueError, r"Found array with 0 sample\(s\) \(shape=\(0,\)\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_text_is_refused_in_fit(classifier, kind):
    X, error, sentence = REFUSED[kind]
    with pytest.raises(error, match=sentence):
        classifier.fit(X, ["x", "y"])


@pytest.mark.parametrize("kind", set(REFUSED) - {"generator"})
def test_what_is_no_text_is_refused_in_predict(fitted, kind):
    X, error, sentence = REFUSED[kind]
    with pytest.raises(error, match=sentence):
        fitted.predict(X)


def test_any_string_is_a_text(network, corpus):
    texts, labels = list(corpus[0]), list(corpus[1])
    odd = [
        "",
        " \t\n",
        "a\0",
        "\x1b[0m",
        "\ud800",
        "😀" * 3,
        "שלום",
        "x" * 100_000,
        "İ",
    ]
    network.fit(texts + odd, labels + ["pos", "neg", "neg"] * 3)
    assert np.isfinite(network.predict_proba(odd)).all()


def test_a_corpus_of_empty_documents_fits_or_says_empty_vocabulary(classifier):
    if hasattr(classifier, "steps") or "max_tokens" in classifier.get_params():
        with pytest.raises(ValueError, match="empty vocabulary"):
            classifier.fit(["", "", "", ""], [0, 1, 0, 1])
    else:
        classifier.fit(["", "", "", ""], [0, 1, 0, 1])
        assert np.isfinite(classifier.predict_proba([""])).all()


def test_clean_data_gives_no_warning_even_read_only(classifier, corpus):
    texts = np.array(corpus[0], dtype=object)
    labels = corpus[1].copy()
    weights = np.ones(len(labels))
    for array in (texts, labels, weights):
        array.flags.writeable = False
    step = list(classifier.named_steps)[-1] if hasattr(classifier, "steps") else None
    name = f"{step}__sample_weight" if step else "sample_weight"
    # scikit-learn's OneVsRestClassifier takes weights under metadata routing only.
    given = {} if step == "onevsrestclassifier" else {name: weights}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.fit(texts, labels, **given).predict(texts)


# -- keeping ----------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_gives_the_same_bits(fitted, corpus, protocol):
    copied = pickle.loads(pickle.dumps(fitted, protocol=protocol))
    assert same_bits(copied, fitted, corpus[0])


def test_joblib_and_deepcopy_give_the_same_bits(fitted, corpus, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    assert same_bits(joblib.load(tmp_path / "model.joblib"), fitted, corpus[0])
    assert same_bits(copy.deepcopy(fitted), fitted, corpus[0])


def test_unfitted_pickles(network):
    assert pickle.loads(pickle.dumps(network)).get_params() == network.get_params()


def test_pickle_loads_in_another_process(fitted, corpus, tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump((fitted, corpus[0]), path)
    script = (
        "import joblib, torch; torch.set_num_threads(1)\n"
        f"model, X = joblib.load({str(path)!r})\n"
        f"joblib.dump(model.predict_proba(X), {str(path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert np.array_equal(joblib.load(path), fitted.predict_proba(corpus[0]))


def test_pickle_holds_no_torch_object_and_no_training_text(network, corpus):
    texts, labels = corpus
    secret = "qqsecret textqq"  # each of its words may be in a vocabulary
    network.fit([*texts, secret], [*labels, "pos"])
    data = pickle.dumps(network)
    assert secret.encode() not in data
    assert b"torch" not in data
    assert b"skorch" not in data
    more = pickle.dumps(clone(network).fit(texts * 3, list(labels) * 3))
    assert abs(len(more) - len(data)) < 1000


def test_a_model_trained_on_a_gpu_loads_on_a_cpu(fitted, corpus):
    state = fitted.__getstate__()
    state["net_"] = state["net_"] | {"device": "cuda:7"}  # as pickled over there
    loaded = type(fitted).__new__(type(fitted))
    loaded.__setstate__(state)
    assert same_bits(loaded, fitted, corpus[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_cuda_is_refused_in_fit_only(network, corpus):
    network.set_params(device="cuda")
    with pytest.raises(ValueError, match=r"The 'device' parameter .* Got 'cuda'"):
        network.fit(*corpus)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_agrees_with_cpu_and_its_pickle_loads_anywhere(network, corpus):
    network.set_params(device="cuda").fit(*corpus)
    state = network.__getstate__()
    state["net_"]["device"] = "cpu"
    loaded = type(network).__new__(type(network))
    loaded.__setstate__(state)
    np.testing.assert_allclose(
        loaded.predict_proba(corpus[0]), network.predict_proba(corpus[0]), atol=1e-4
    )


# The eager backend runs what torch traced, without minutes of translation. Where torch
# cannot trace, as in its recurrent layers, it warns about itself.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("name", ["charcnn", "rnn"])
def test_a_compiled_network_learns_the_same(name, corpus):
    texts, labels = corpus
    plain = clone(NETWORKS[name]).fit(texts, labels)
    compiled = clone(NETWORKS[name]).set_params(compile="eager").fit(texts, labels)
    assert compiled.net_.module_._compiled_call_impl is not None
    for each in (compiled, pickle.loads(pickle.dumps(compiled))):
        np.testing.assert_allclose(
            each.predict_proba(texts), plain.predict_proba(texts), atol=1e-4
        )


def test_unknown_backends_of_compile_are_refused(corpus):
    network = clone(NETWORKS["rnn"]).set_params(compile="gcc")
    with pytest.raises(ValueError, match=r"'compile' parameter .* Got 'gcc' instead"):
        network.fit(*corpus)
