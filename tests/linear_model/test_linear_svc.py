"""ProbabilisticLinearSVC, compared with scikit-learn's LinearSVC and with refits."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktextconv.linear_model import NaiveBayesSVC, ProbabilisticLinearSVC
from sktextconv.linear_model._base import fit_scale, leave_one_out


def make_texts(n_classes, n_samples=300, n_features=400, seed=0):
    """Return sparse rows of length 1, like TF-IDF, of overlapping classes."""
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=n_samples)
    rates = rng.gamma(0.2, size=(n_classes, n_features)) + 0.2
    counts = rng.poisson(12 * rates[y] / rates[y].sum(axis=1, keepdims=True))
    return normalize(scipy.sparse.csr_matrix(counts, dtype=np.float64)), y


@pytest.mark.parametrize("n_classes", [2, 4])
def test_weights_agree_with_linear_svc(n_classes):
    """With a small tolerance, weights and predictions are those of LinearSVC."""
    X, y = make_texts(n_classes)
    ours = ProbabilisticLinearSVC(C=0.7, tol=1e-8, max_iter=10_000).fit(X, y)
    theirs = LinearSVC(C=0.7, tol=1e-8, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.decision_function(X), atol=1e-6
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_left_out_values_agree_with_refits(n_classes):
    """Approximated values are much closer to those of refits than fitted values are."""
    X, y = make_texts(n_classes)
    svc = LinearSVC(tol=1e-6, max_iter=10_000)
    fitted = svc.fit(X, y)
    approximated = leave_one_out(fitted, X, y, 1.0)
    rows = range(0, len(y), 10)
    exact = []
    for row in rows:
        others = np.arange(len(y)) != row
        refitted = LinearSVC(tol=1e-6, max_iter=10_000).fit(X[others], y[others])
        exact.append(refitted.decision_function(X[[row]])[0])
    fitted_gap = np.abs(svc.decision_function(X)[rows] - exact).mean()
    assert np.abs(approximated[rows] - exact).mean() < fitted_gap / 2


@pytest.mark.parametrize(("C", "ratio"), [(1.0, 1.15), ("auto", 1.05)])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_are_calibrated(n_classes, C, ratio):
    """On new samples the log loss is nearly that of the best factor."""
    X, y = make_texts(n_classes, n_samples=2000)
    X, X_new, y, y_new = X[:1000], X[1000:], y[:1000], y[1000:]
    classifier = ProbabilisticLinearSVC(C=C).fit(X, y)
    loss = log_loss(y_new, classifier.predict_proba(X_new))
    classifier.scale_ = fit_scale(classifier.decision_function(X_new), y_new)
    assert loss < ratio * log_loss(y_new, classifier.predict_proba(X_new))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_most_probable_class_is_predicted(n_classes):
    X, y = make_texts(n_classes)
    names = np.array(["d", "a", "c", "b"])[y]
    classifier = ProbabilisticLinearSVC().fit(X, names)
    probabilities = classifier.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    predicted = classifier.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(predicted, classifier.predict(X))


def test_auto_penalty_has_lowest_error():
    """The errors of the candidates are those of scikit-learn's cross-validation."""
    X, y = make_texts(3)
    classifier = ProbabilisticLinearSVC(C="auto", cv=4).fit(X, y)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    assert list(classifier.cv_errors_) == [0.1, 0.3, 1.0, 3.0, 10.0]
    for C, error in classifier.cv_errors_.items():
        svc = LinearSVC(C=C, tol=0.1, random_state=0)
        assert error == np.mean(cross_val_predict(svc, X, y, cv=folds) != y)
    assert classifier.cv_errors_[classifier.C_] == min(classifier.cv_errors_.values())
    fixed = ProbabilisticLinearSVC(C=classifier.C_).fit(X, y)
    np.testing.assert_array_equal(classifier.coef_, fixed.coef_)


def test_auto_penalty_with_single_sample_of_class():
    """Without folds the penalty is 1."""
    X, y = make_texts(2)
    classifier = ProbabilisticLinearSVC(C="auto").fit(X, [2, *y[1:]])
    assert classifier.C_ == 1.0
    assert classifier.cv_errors_ == {}


def test_fit_dense_agrees_with_sparse():
    X, y = make_texts(3)
    sparse = ProbabilisticLinearSVC().fit(X, y).predict_proba(X)
    dense = ProbabilisticLinearSVC().fit(X.toarray(), y).predict_proba(X.toarray())
    np.testing.assert_allclose(dense, sparse, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@pytest.mark.parametrize("make", [ProbabilisticLinearSVC, NaiveBayesSVC])
@pytest.mark.parametrize("C", [1e-300, 1e-40, 3e37, 1e300])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_any_penalty_gives_probabilities(n_classes, C, make):
    """Penalties beyond the range of float32 give finite probabilities, no warning."""
    X, y = make_texts(n_classes, n_samples=60)
    classifier = make(C=C, max_iter=10).fit(X.astype(np.float32), y)
    assert np.isfinite(classifier.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("name", "value"), [("C", 0), ("C", "best"), ("cv", 0), ("tol", -1.0)]
)
def test_fit_rejects_invalid_parameters(name, value):
    X, y = make_texts(2)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of Probabilistic"):
        ProbabilisticLinearSVC(**{name: value}).fit(X, y)


@pytest.mark.filterwarnings("ignore:Liblinear failed to converge")
@parametrize_with_checks([ProbabilisticLinearSVC(), ProbabilisticLinearSVC(C="auto")])
def test_scikit_learn_check(estimator, check):
    """Each check of scikit-learn passes."""
    check(estimator)
