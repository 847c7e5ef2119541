"""Base classes of linear classifiers."""

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._param_validation import Count, Positive, Seed, hyperparameters

__all__ = [
    "BaseLinearClassifier",
    "BaseLinearSVC",
    "fit_scale",
    "leave_one_out",
    "to_scores",
]

_LOG_SCALES = (-5.0, 7.0)  # limits of the natural logarithm of `scale_`
_MAX_STEPS = 2**31 - 1  # in LIBLINEAR


class BaseLinearClassifier(ClassifierMixin, BaseEstimator):
    """Base class of linear classifiers for sparse features.

    `fit` of a subclass sets `classes_`, `coef_` and `intercept_`, with one row for two
    classes.
    """

    def decision_function(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Compute the scores of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Two classes have one score, which is positive for the second.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False
        )
        return self._add_intercept(X @ self.coef_.T)

    def predict(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = to_scores(self.decision_function(X))
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Compute the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples, n_classes)
            Columns in the order of `classes_`. The largest is that of the predicted
            class.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Compute the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_probabilities : ndarray of float64 of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return log_softmax(self._logits(X), axis=1)

    def _logits(self, X):
        """Return the logits of the classes, a column per class."""
        return to_scores(self.decision_function(X))

    def _add_intercept(self, products):
        scores = products + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def _encode_labels(self, y):
        """Set `classes_`; return the index of the class of each sample."""
        check_classification_targets(y)
        self.classes_, y_encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} expects y to have at least 2 classes, but it "
                f"has only one class: {self.classes_[0]!r}."
            )
        return y_encoded

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@hyperparameters
class BaseLinearSVC(BaseLinearClassifier):
    """Base class of linear support vector machines with probabilities.

    Parameters
    ----------
    tol : float, default=0.1
        Tolerance of the solver. The default is that of LIBLINEAR; scikit-learn's
        `LinearSVC` has 1e-4.
    max_iter : int, default=1000
        Maximum number of passes over the samples.
    random_state : int, RandomState instance or None, default=0
        Seed of the order of the samples.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    intercept_ : ndarray of float64 of shape (n_classes,)
        Biases; one if there are two classes.
    scale_ : float
        Factor of the decision values in the probabilities.
    n_iter_ : int
        Largest number of passes over the samples, among the classes.
    n_features_in_ : int
        Number of features seen in `fit`.
    """

    tol: Positive = 0.1
    max_iter: Count = 1000
    random_state: Seed = 0

    def _fit_weights(self, X, y, C):
        # Imported here because prediction does not need it.
        from sklearn.svm import LinearSVC

        return LinearSVC(
            C=C,
            dual=True,
            tol=self.tol,
            max_iter=min(int(self.max_iter), _MAX_STEPS),
            random_state=self.random_state,
        ).fit(X, y)

    def _logits(self, X):
        return super()._logits(X) * self.scale_


def to_scores(decision):
    """Return a score for each class; with two classes, that of the first is 0."""
    if decision.ndim == 1:
        return np.stack([np.zeros_like(decision), decision], axis=1)
    return decision


def leave_one_out(fitted, X, y, C, X_left_out=None):
    """Approximate the decision value of each sample if it were left out of training.

    Parameters
    ----------
    fitted : LinearSVC
    X : {ndarray, csr_matrix} of shape (n_samples, n_features)
    y : ndarray of int of shape (n_samples,)
    C : float
    X_left_out : csr_matrix of shape (n_samples, n_features) or None, default=None
        Features of each sample if they were computed without its label; None takes `X`.

    Returns
    -------
    decision : ndarray of shape (n_samples, n_classes) or (n_samples,)
    """
    X = scipy.sparse.csr_matrix(X)
    decision = left_out = fitted.decision_function(X)
    products = squares = X.multiply(X).tocsr()
    if X_left_out is not None:
        left_out = fitted.decision_function(X_left_out)
        products = X.multiply(X_left_out).tocsr()
    classes = np.arange(len(fitted.classes_)) if decision.ndim == 2 else [1]
    sign = np.where(y[:, np.newaxis] == classes, 1.0, -1.0)
    slack = np.maximum(0.0, 1.0 - sign * decision.reshape(sign.shape))
    in_loss = (slack > 0).astype(X.dtype)
    # The mean curvature without one of the samples that contain the feature.
    n_containing = np.bincount(X.indices, minlength=X.shape[1])
    rest = (1 - 1 / np.maximum(n_containing, 1)).astype(X.dtype)[:, np.newaxis]
    # The inverse penalty, 2 C, is the variance of a weight without data. The limits
    # hold in float32.
    penalty = np.clip(1 / (2 * float(C)), 1e-30, 1e30).astype(X.dtype)
    curvature = penalty + rest * (squares.T @ in_loss)  # (n_features, n_scores)
    change = products @ (1 / curvature)
    change += 1 / (penalty + in_loss.sum(axis=0))  # of the intercept
    change *= slack * sign
    return left_out - change.reshape(decision.shape)


def fit_scale(decision, y):
    """Return the factor of decision values with the lowest logarithmic loss."""
    import scipy.optimize

    scores, samples = to_scores(decision), np.arange(len(y))

    def loss(log_scale):
        return -log_softmax(np.exp(log_scale) * scores, axis=1)[samples, y].mean()

    found = scipy.optimize.minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
    return float(np.exp(found.x))
