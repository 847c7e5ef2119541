"""LogisticRegression: the model of scikit-learn, by another solver."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktextconv.linear_model import LogisticRegression


# Some checks compare two fits to nine digits.
@parametrize_with_checks([LogisticRegression(tol=1e-16)])
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
