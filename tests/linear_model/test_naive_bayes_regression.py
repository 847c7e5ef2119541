"""NaiveBayesLogisticRegression, compared with pipelines of one class each."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktextconv.feature_extraction import LogCountRatio
from sktextconv.linear_model import NaiveBayesLogisticRegression


def make_counts(n_classes, n_samples=80, n_features=60):
    rng = np.random.RandomState(0)
    y = np.arange(n_samples) % n_classes
    rates = rng.gamma(0.3, size=(n_classes, n_features))
    counts = rng.poisson(rates[y])
    counts[0] = 0  # a text without a known word
    return scipy.sparse.csr_matrix(counts), y


def make_reference(**settings):
    """Make the pipelines of one class against the rest that this estimator replaces."""
    regression = LogisticRegression(solver="liblinear", **settings)
    return OneVsRestClassifier(
        make_pipeline(LogCountRatio(alpha=0.5), Normalizer(), regression)
    )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_agree_with_pipelines(n_classes):
    """With small tolerances, decision values and probabilities are the same."""
    X, y = make_counts(n_classes)
    settings = {"C": 3.0, "tol": 1e-8, "max_iter": 10_000}
    ours = NaiveBayesLogisticRegression(alpha=0.5, **settings).fit(X, y)
    theirs = make_reference(**settings).fit(X, y)
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), atol=2e-4
    )
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=2e-4
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_ratios_are_those_of_log_count_ratio(n_classes):
    X, y = make_counts(n_classes)
    classifier = NaiveBayesLogisticRegression(alpha=2.0).fit(X, y)
    targets = range(1 if n_classes == 2 else 0, n_classes)
    expected = [LogCountRatio(alpha=2.0).fit(X, y == t).log_ratio_ for t in targets]
    np.testing.assert_allclose(classifier.log_ratio_, expected, rtol=1e-6)


def test_scores_ignore_size_of_counts():
    X, y = make_counts(3)
    classifier = NaiveBayesLogisticRegression().fit(X, y)
    scores = classifier.decision_function(X)
    np.testing.assert_array_equal(classifier.decision_function(X.sign()), scores)
    np.testing.assert_array_equal(classifier.decision_function(7 * X), scores)


def test_pickle_predicts_the_same():
    """A pickle holds each weight once."""
    X, y = make_counts(3)
    classifier = NaiveBayesLogisticRegression().fit(X, y)
    stored = pickle.dumps(classifier)
    np.testing.assert_array_equal(
        pickle.loads(stored).predict_proba(X), classifier.predict_proba(X)
    )
    arrays = classifier.coef_.nbytes + classifier.log_ratio_.nbytes
    assert len(stored) < arrays + 2_000


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@parametrize_with_checks([NaiveBayesLogisticRegression(C=1.0)])
def test_scikit_learn_check(estimator, check):
    """Each check of scikit-learn passes."""
    check(estimator)
