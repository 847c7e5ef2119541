"""NaiveBayesSVC, compared with pipelines of one class each."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktextconv.feature_extraction import LogCountRatio
from sktextconv.feature_extraction._log_count_ratio import left_out_ratios
from sktextconv.linear_model import NaiveBayesSVC
from sktextconv.linear_model._base import fit_scale


def make_counts(n_classes, n_samples=80, n_features=60):
    rng = np.random.RandomState(0)
    y = np.arange(n_samples) % n_classes
    rates = rng.gamma(0.3, size=(n_classes, n_features))
    counts = rng.poisson(rates[y])
    counts[0] = 0  # a text without a known word
    return scipy.sparse.csr_matrix(counts), y


def make_reference(**settings):
    """Make one pipeline for each class against the rest."""
    return OneVsRestClassifier(
        make_pipeline(LogCountRatio(alpha=0.5), Normalizer(), LinearSVC(**settings))
    )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_agree_with_pipelines(n_classes):
    """With small tolerances, decision values and predictions are the same."""
    X, y = make_counts(n_classes)
    settings = {"C": 3.0, "tol": 1e-8, "max_iter": 100_000}
    ours = NaiveBayesSVC(alpha=0.5, **settings).fit(X, y)
    theirs = make_reference(**settings).fit(X, y)
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), atol=1e-4
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_ratios_are_those_of_log_count_ratio(n_classes):
    X, y = make_counts(n_classes)
    classifier = NaiveBayesSVC(alpha=2.0).fit(X, y)
    targets = range(1 if n_classes == 2 else 0, n_classes)
    expected = [LogCountRatio(alpha=2.0).fit(X, y == t).log_ratio_ for t in targets]
    np.testing.assert_allclose(classifier.log_ratio_, expected, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_left_out_ratios_agree_with_recomputed(n_classes):
    """Ratios of a sample's own features are nearly those computed without it."""
    X, y = make_counts(n_classes)
    present = X.sign().astype(np.float32)
    in_class = y == 1
    ratio = LogCountRatio(alpha=2.0).fit(X, in_class).log_ratio_
    left_out = present.copy()
    left_out.data = left_out_ratios(present, in_class, 2.0, ratio)
    approximated_gaps, fitted_gaps = [], []
    for row in range(len(y)):
        others = np.arange(len(y)) != row
        exact = LogCountRatio(alpha=2.0).fit(X[others], in_class[others]).log_ratio_
        features = present[[row]].indices
        # The sums over all features shift all ratios alike.
        shift = np.median((exact - ratio)[np.setdiff1d(np.arange(60), features)])
        exact = (exact - shift)[features]
        approximated_gaps.extend(left_out[[row]].toarray()[0, features] - exact)
        fitted_gaps.extend(ratio[features] - exact)
    assert np.abs(approximated_gaps).mean() < np.abs(fitted_gaps).mean() / 5


@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_are_calibrated(n_classes):
    """On new samples the log loss is nearly that of the best factor."""
    X, y = make_counts(n_classes, n_samples=2000, n_features=400)
    X, X_new, y, y_new = X[:1000], X[1000:], y[:1000], y[1000:]
    classifier = NaiveBayesSVC().fit(X, y)
    loss = log_loss(y_new, classifier.predict_proba(X_new))
    classifier.scale_ = fit_scale(classifier.decision_function(X_new), y_new)
    assert loss < 1.1 * log_loss(y_new, classifier.predict_proba(X_new))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_most_probable_class_is_predicted(n_classes):
    X, y = make_counts(n_classes)
    names = np.array(["d", "a", "c", "b"])[y]
    classifier = NaiveBayesSVC().fit(X, names)
    probabilities = classifier.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    predicted = classifier.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(predicted, classifier.predict(X))


def test_scores_ignore_size_of_counts():
    X, y = make_counts(3)
    classifier = NaiveBayesSVC().fit(X, y)
    scores = classifier.decision_function(X)
    np.testing.assert_array_equal(classifier.decision_function(X.sign()), scores)
    np.testing.assert_array_equal(classifier.decision_function(7 * X), scores)


def test_pickle_predicts_the_same():
    """A pickle holds each weight once."""
    X, y = make_counts(3)
    classifier = NaiveBayesSVC().fit(X, y)
    stored = pickle.dumps(classifier)
    np.testing.assert_array_equal(
        pickle.loads(stored).predict_proba(X), classifier.predict_proba(X)
    )
    arrays = classifier.coef_.nbytes + classifier.log_ratio_.nbytes
    assert len(stored) < arrays + 2_000


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@parametrize_with_checks([NaiveBayesSVC()])
def test_scikit_learn_check(estimator, check):
    """Each check of scikit-learn passes."""
    check(estimator)
