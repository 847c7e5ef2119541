"""Base of linear support vector machines with probabilities."""

import numpy as np
import scipy.optimize
import scipy.sparse
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import LinearSVC
from sklearn.utils.multiclass import check_classification_targets

__all__ = ["BaseLinearSVC", "fit_scale", "leave_one_out", "to_scores"]

_LOG_SCALES = (-5.0, 7.0)  # limits of the natural logarithm of `scale_`
_MAX_STEPS = 2**31 - 1  # in LIBLINEAR


class BaseLinearSVC(ClassifierMixin, BaseEstimator):
    """Base class of classifiers whose probabilities are scaled decision values.

    Subclasses have the parameters `tol`, `max_iter` and `random_state`, implement `fit`
    and `decision_function`, and set `classes_` and `scale_`.
    """

    def predict(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the class of the largest decision value.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        decision = self.decision_function(X)
        if decision.ndim == 1:
            return self.classes_[(decision > 0).astype(int)]
        return self.classes_[decision.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples, n_classes)
            The largest is that of the predicted class.
        """
        scores = to_scores(self.decision_function(X))
        return softmax(self.scale_ * scores, axis=1)

    def _encode_labels(self, y):
        """Set `classes_`; return the index of the class of each sample."""
        check_classification_targets(y)
        self.classes_, y_encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes, but y has "
                "only one class. Check the labels."
            )
        return y_encoded

    def _fit_weights(self, X, y, C):
        return LinearSVC(
            C=C,
            dual=True,
            tol=self.tol,
            max_iter=min(int(self.max_iter), _MAX_STEPS),
            random_state=self.random_state,
        ).fit(X, y)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


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
    curvature = 2 * C * rest * (squares.T @ in_loss)  # (n_features, n_scores)
    variance = products @ (1 / (1 + curvature))
    variance += 1 / (1 + 2 * C * in_loss.sum(axis=0))  # of the intercept
    change = 2 * C * slack * variance * sign
    return left_out - change.reshape(decision.shape)


def fit_scale(decision, y):
    """Return the factor of decision values with the lowest logarithmic loss."""
    scores, samples = to_scores(decision), np.arange(len(y))

    def loss(log_scale):
        return -log_softmax(np.exp(log_scale) * scores, axis=1)[samples, y].mean()

    found = scipy.optimize.minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
    return float(np.exp(found.x))
