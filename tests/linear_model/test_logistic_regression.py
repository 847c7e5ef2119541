"""LogisticRegression: the model of scikit-learn, by another solver."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktextconv.linear_model import LogisticRegression


# Some checks compare two fits to nine digits.
@parametrize_with_checks(
    [LogisticRegression(tol=1e-16), LogisticRegression(tol=1e-16, C="auto")]
)
def test_check_passes(estimator, check):
    """The class passes each check of scikit-learn."""
    check(estimator)


def make_counts(n_classes, n_samples=300, n_features=50, seed=0):
    """Return sparse counts with Zipfian frequencies, and labels that they explain."""
    rng = np.random.RandomState(seed)
    frequencies = 1 / np.arange(1, n_features + 1)
    topics = frequencies * rng.gamma(0.5, size=(n_classes, n_features))
    topics /= topics.sum(axis=1, keepdims=True)
    y = np.arange(n_samples) % n_classes
    counts = [rng.multinomial(30, topics[label]) for label in y]
    return scipy.sparse.csr_matrix(np.array(counts, dtype=np.float64)), y


def reference(X, y, **params):
    """Return the fitted model of scikit-learn, as exact as it gets."""
    model = linear_model.LogisticRegression(
        solver="newton-cholesky", tol=1e-12, max_iter=1_000, **params
    )
    return model.fit(X.toarray() if scipy.sparse.issparse(X) else X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3, 12])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_fit_equals_scikit_learn(n_classes, C, dtype):
    """Probabilities are equal to 1e-6, for sparse features of both types."""
    X, y = make_counts(n_classes)
    ours = LogisticRegression(C=C, tol=1e-16).fit(X.astype(dtype), y)
    theirs = reference(X, y, C=C)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_auto_penalty_ignores_scale(n_classes, scale):
    """Scaled features give the same probabilities, with a penalty and without."""
    X, y = make_counts(n_classes)
    plain = LogisticRegression(C="auto", tol=1e-12).fit(X, y)
    scaled = LogisticRegression(C="auto", tol=1e-12).fit(scale * X, y)
    assert pytest.approx(plain.C_ / scale**2) == scaled.C_
    np.testing.assert_allclose(
        scaled.predict_proba(scale * X), plain.predict_proba(X), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(("n_classes", "expected"), [(2, 100), (3, 75), (40, 1000)])
def test_auto_penalty_of_unit_vectors(n_classes, expected, sparse):
    """It is 25 per class, and twice as much for two classes with shared weights."""
    y = np.tile(np.arange(n_classes), 3)
    X = np.tile([[0.6, 0.8]], (len(y), 1))
    X = scipy.sparse.csr_matrix(X) if sparse else X
    assert pytest.approx(expected) == LogisticRegression(C="auto").fit(X, y).C_


def test_auto_penalty_counts_weights_as_repetitions():
    X, y = make_counts(3, n_samples=60)
    weights = np.arange(60) % 3 + 1
    weighted = LogisticRegression(C="auto").fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(60), weights)
    repeated = LogisticRegression(C="auto").fit(X[rows], y[rows])
    assert pytest.approx(repeated.C_, rel=1e-12) == weighted.C_


def test_auto_penalty_without_features():
    """Samples without any feature have the value 1."""
    model = LogisticRegression(C="auto").fit(np.zeros((4, 3)), [0, 0, 0, 1])
    assert model.C_ == 1
    np.testing.assert_allclose(model.predict_proba([[0, 0, 0]]), [[0.75, 0.25]])


def test_number_as_penalty_is_used():
    X, y = make_counts(3)
    assert LogisticRegression(C=7).fit(X, y).C_ == 7
    with pytest.raises(ValueError, match="The 'C' parameter of LogisticRegression"):
        LogisticRegression(C="automatic").fit(X, y)


@pytest.mark.parametrize("C", [1.0, "auto"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("sample_weight", "class_weight", "message"),
    [
        (0.0, None, "at least one non-zero number"),
        (1.0, dict.fromkeys(range(3), 0.0), "at least one non-zero number"),
        (1e38, None, "must sum to a number from 1e-38 to 3e[+]38"),
        (1e-300, None, "must sum to a number from 1e-38 to 3e[+]38"),
        (1e10, dict.fromkeys(range(3), 1e308), "finite weights of at least 0"),
        (1.0, dict.fromkeys(range(3), -1.0), "finite weights of at least 0"),
    ],
)
def test_fit_rejects_total_weight(sample_weight, class_weight, message, n_classes, C):
    X, y = make_counts(n_classes, n_samples=60)
    class_weight = class_weight and {label: class_weight[label] for label in set(y)}
    classifier = LogisticRegression(C=C, class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, y, sample_weight=np.full(60, sample_weight))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.5, 1: 3.0, 2: 1.0}])
def test_class_weight_counts_samples_by_weight(class_weight):
    """The weights of classes are those of scikit-learn for repeated samples."""
    X, y = make_counts(3, n_samples=60)
    weights = np.arange(60) % 3 + 1
    rows = np.repeat(np.arange(60), weights)
    weighted = LogisticRegression(class_weight=class_weight, tol=1e-12)
    weighted.fit(X, y, sample_weight=weights)
    expected = reference(X[rows], y[rows], class_weight=class_weight)
    assert weighted.coef_ == pytest.approx(expected.coef_, abs=1e-3)
