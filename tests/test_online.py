"""OnlineNGramClassifier, compared with scikit-learn's own steps."""

import pickle

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer

from sktextconv import (
    OnlineNGramClassifier,
    TextStore,
    make_tfidf_classifier,
    online,
)
from sktextconv.feature_extraction import HashedNGramVectorizer

from .classifiers import ONLINE
from .conftest import same_bits

SMALL = ONLINE["tfidf-online"]


@pytest.fixture(scope="module")
def topics():
    """Texts and labels of training, then of test: words of four topics that overlap."""
    rng = np.random.RandomState(0)
    y = rng.randint(4, size=1200)
    frequencies = rng.dirichlet(np.full(300, 0.3), size=4)
    X = [" ".join(f"w{i}" for i in rng.choice(300, 8, p=frequencies[c])) for c in y]
    return X[:600], y[:600], X[600:], y[600:]


def make_steps(weights, features, targets):
    """Change weights by a step for each row; return them after each.

    The steps are those of logistic regression with the rate 10 and the penalty 1e-6,
    one class after the other.
    """
    after = []
    for x, row_targets in zip(features, targets, strict=True):
        probabilities = expit(weights @ x)
        weights = weights * (1 - 1e-5) - 10 * np.outer(probabilities - row_targets, x)
        after.append(weights)
    return after


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_the_mean_over_all_steps(n_classes, topics):
    """Two calls continue, with TF-IDF of scikit-learn over the texts so far."""
    X = topics[0][:60]
    y = np.arange(60) % n_classes
    targets = np.eye(n_classes)[y][:, -1:] if n_classes == 2 else np.eye(n_classes)[y]
    counts = HashedNGramVectorizer(n_features=2**12).transform(X).astype(np.float64)
    model, after = clone(SMALL), [np.zeros((targets.shape[1], 2**12 + 1))]
    for start, stop in (0, 40), (40, 60):
        part = slice(start, stop)
        model.partial_fit(X[part], y[part], classes=range(n_classes))
        rng = np.random.RandomState(0)
        for n in (1, 1):  # the blocks and the chunks
            rng.permutation(n)
        order = start + rng.permutation(stop - start)
        tfidf = TfidfTransformer(sublinear_tf=True).fit(counts[:stop])
        features = tfidf.transform(counts[order]).toarray()
        features = np.c_[features, np.full(len(order), 0.125)]
        after += make_steps(after[-1], features, targets[order])
    mean = np.mean(after[1:], axis=0)
    np.testing.assert_allclose(model.coef_, mean[:, :-1], atol=1e-12)
    np.testing.assert_allclose(model.intercept_, mean[:, -1] / 8, atol=1e-12)
    scores = tfidf.transform(counts) @ mean[:, :-1].T + mean[:, -1] / 8
    found = model.decision_function(X).reshape(60, -1)
    np.testing.assert_allclose(found, scores, atol=1e-11)


def test_rates_may_change_between_calls(corpus):
    """`partial_fit` takes the rate and the penalty of the moment."""
    X, y = corpus
    model = clone(SMALL).partial_fit(X, y, classes=["neg", "pos"])
    before = model.coef_.copy()
    model.set_params(learning_rate=1e-300, alpha=1e-300).partial_fit(X, y)
    last = np.atleast_2d(model._learner.sgd._standard_coef)[:, :-1]
    # The mean of as many steps again, in which the last weights stay.
    np.testing.assert_allclose(model.coef_, (before + last) / 2, atol=1e-12)


def test_error_is_near_that_of_the_exact_model(topics):
    """It makes at most 15 errors more than the exact model, on 600 texts."""
    X, y, X_test, y_test = topics
    exact = make_tfidf_classifier().fit(X, y).predict(X_test)
    ours = OnlineNGramClassifier(random_state=0).fit(X, y).predict(X_test)
    assert np.sum(ours != y_test) <= np.sum(exact != y_test) + 15


@pytest.mark.parametrize("kept", [0, 2**30])
def test_same_bits_from_a_store_and_without_kept_features(
    kept, corpus, tmp_path, monkeypatch
):
    """Where texts are, and which features stay in memory, changes no bit."""
    monkeypatch.setattr(online, "_BLOCK", 4)
    monkeypatch.setattr(online, "_CHUNK", 8)
    X, y = corpus
    expected = clone(SMALL).fit(X, y)
    monkeypatch.setattr(online, "_MAX_KEPT_BYTES", kept)
    store = TextStore.from_texts(X, tmp_path / "texts")
    assert same_bits(clone(SMALL).fit(store, y), expected, X)
    assert np.array_equal(expected.predict_proba(store), expected.predict_proba(X))


@pytest.mark.parametrize(("kept", "n_times"), [(0, 5), (2**30, 1)])
def test_kept_features_are_not_computed_again(kept, n_times, corpus, monkeypatch):
    """Texts are split once if their features are kept, and else in each epoch."""
    monkeypatch.setattr(online, "_MAX_KEPT_BYTES", kept)
    seen = []

    def split(text):
        seen.append(text)
        return text.split()

    X, y = corpus
    clone(SMALL).set_params(tokenizer=split).fit(X, y)
    assert sorted(seen) == sorted(X * n_times)


def test_documents_are_counted_once(corpus):
    """The document frequencies of several passes are those of one."""
    X, y = corpus
    learner = clone(SMALL).fit(X, y)._learner
    counts = HashedNGramVectorizer(n_features=2**12).transform(X)
    assert learner._n_texts == len(X)
    np.testing.assert_array_equal(learner._n_containing, (counts > 0).sum(axis=0).A1)


def test_chunks_hold_blocks_of_the_whole_corpus(monkeypatch):
    """Each text is in one chunk, and few chunks come from one half of the corpus."""
    monkeypatch.setattr(online, "_BLOCK", 8)
    monkeypatch.setattr(online, "_CHUNK", 64)
    rows = np.arange(4100)
    chunks = online._draw_chunks(rows, np.random.RandomState(0))
    assert np.array_equal(np.sort(np.concatenate(chunks)), rows)
    assert {len(chunk) for chunk in chunks[:-1]} <= {60, 64}
    assert all(np.all(np.diff(chunk) > 0) for chunk in chunks)
    in_half = [len(set(chunk < 2050)) == 1 for chunk in chunks[:-1]]
    assert sum(in_half) < 5  # 0.5 are expected


def test_texts_sorted_by_class_are_mixed(topics, monkeypatch):
    """Chunks hold blocks of the whole corpus: sorted texts teach as much."""
    monkeypatch.setattr(online, "_BLOCK", 8)
    monkeypatch.setattr(online, "_CHUNK", 64)
    X, y, X_test, y_test = topics
    order = np.argsort(y, kind="stable")
    model = OnlineNGramClassifier(random_state=0, n_features=2**16)
    errors = [
        np.mean(clone(model).fit(texts, labels).predict(X_test) != y_test)
        for texts, labels in ((X, y), ([X[row] for row in order], y[order]))
    ]
    assert errors[1] < errors[0] + 0.05


def test_partial_fit_continues(corpus):
    """Parts add up: document counts are those of all texts, and pickles go on."""
    X, y = corpus
    whole = clone(SMALL).partial_fit(X, y, classes=["neg", "pos"])
    parts = clone(SMALL).partial_fit(X[:10], y[:10], classes=["pos", "neg"])
    copied = pickle.loads(pickle.dumps(parts))
    for each in (parts, copied):
        each.partial_fit(X[10:], y[10:])
        learner, expected = each._learner, whole._learner
        assert learner._n_texts == expected._n_texts == len(X)
        assert np.array_equal(learner._n_containing, expected._n_containing)
        assert each.n_iter_ == 2
    assert same_bits(parts, copied, X)
    assert parts.classes_.tolist() == ["neg", "pos"]


def test_pickle_holds_two_arrays_of_weights():
    """The sizes that the docstring states, also after a copy has been trained."""
    model = OnlineNGramClassifier(n_features=2**15, random_state=0)
    for n_classes, n_rows in (2, 1), (3, 3):
        labels = np.arange(9) % n_classes
        model.fit(list("abcdefghi"), labels)
        copied = pickle.loads(pickle.dumps(model)).partial_fit(["a"], [0])
        size = len(pickle.dumps(copied))
        assert size == pytest.approx((2 * n_rows + 1) * 8 * 2**15, abs=2**13)
        model.partial_fit(["a"], [0])
        assert same_bits(model, copied, ["a", "b"])


def split_until_error(text):
    """Return the words of a text, or raise the error that it names."""
    if error := {"!": ValueError, "?": KeyboardInterrupt}.get(text):
        raise error
    return text.split()


@pytest.mark.parametrize("n_texts", [3, 9])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    ("text", "error"), [("!", ValueError), ("?", KeyboardInterrupt)]
)
def test_failed_partial_fit_changes_nothing(text, error, first, n_texts, monkeypatch):
    """Neither few texts, nor many in several chunks of which some have been read."""
    for name in ("_BLOCK", "_CHUNK", "_MAX_IN_PLACE"):
        monkeypatch.setattr(online, name, 4)
    model = clone(SMALL).set_params(tokenizer=split_until_error)
    if not first:
        model.partial_fit(["so good", "bad"], [1, 0], classes=[0, 1])
    before = pickle.dumps(model)
    for position in range(n_texts):
        texts = ["good film"] * n_texts
        texts[position] = text
        model.set_params(learning_rate=2.0)
        with pytest.raises(error):
            model.partial_fit(texts, np.arange(n_texts) % 2, classes=[0, 1])
        model.set_params(learning_rate=SMALL.learning_rate)
        assert pickle.dumps(model) == before


def test_partial_fit_has_the_classes_of_the_first_call(corpus):
    X, y = corpus
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clone(SMALL).partial_fit(X, y)
    model = clone(SMALL).partial_fit(X, y, classes=["neg", "pos"])
    with pytest.raises(ValueError, match="`y` has classes not in"):
        model.partial_fit(["so"], ["other"])


def test_texts_of_weight_zero_are_not_used(corpus):
    X, y = corpus
    weights = np.arange(len(X)) % 2
    used = np.flatnonzero(weights)
    expected = clone(SMALL).fit([X[row] for row in used], y[used])
    assert same_bits(clone(SMALL).fit(X, y, weights), expected, X)


def test_more_than_two_classes(topics):
    X, y, X_test, _ = topics
    model = clone(SMALL).fit(X, y)
    probabilities = model.predict_proba(X_test)
    assert probabilities.shape == (len(X_test), len(np.unique(y)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    best = model.classes_[model.decision_function(X_test).argmax(axis=1)]
    assert np.array_equal(model.predict(X_test), best)


def test_penalty_is_below_the_inverse_rate(corpus):
    """A stronger one would turn the weights around in each step."""
    model = clone(SMALL).set_params(alpha=0.5, learning_rate=2.0)
    with pytest.raises(ValueError, match=r"'alpha' parameter .* below 1 / learning_r"):
        model.fit(*corpus)
    model.set_params(learning_rate=1.9).fit(*corpus)
    # The product of these is too large for half precision.
    model.set_params(alpha=np.float16(6e4), learning_rate=np.float16(9.0))
    with pytest.raises(ValueError, match=r"'alpha' parameter .* below 1 / learning_r"):
        model.fit(*corpus)
