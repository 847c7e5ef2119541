"""Linear support vector machine with probabilities."""

from typing import Literal, Self

import numpy as np
import scipy.optimize
import scipy.sparse
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._param_validation import (
    Count,
    Positive,
    Seed,
    check_params,
    hyperparameters,
)

__all__ = ["ProbabilisticLinearSVC"]

_GRID = (0.1, 0.3, 1.0, 3.0, 10.0)  # candidates of C="auto"
_LOG_SCALES = (-5.0, 7.0)  # limits of the natural logarithm of `scale_`


@hyperparameters
class ProbabilisticLinearSVC(ClassifierMixin, BaseEstimator):
    """Linear support vector machine with the squared hinge loss and probabilities.

    The weights are those of scikit-learn's `LinearSVC`: one class against the rest,
    found by dual coordinate descent. The probabilities are the softmax of the decision
    values times one number, which is fitted to scores of left-out samples [1]_.

    Parameters
    ----------
    C : float or "auto", default=1.0
        Inverse strength of the L2 penalty. "auto" takes the value of 0.1, 0.3, 1, 3 and
        10 with the lowest error in cross-validation; among equals, the smallest.
    cv : int, default=3
        Number of stratified folds for ``C="auto"``; at most the size of the smallest
        class.
    tol : float, default=0.1
        Tolerance of the solver. The default is that of LIBLINEAR; scikit-learn's 1e-4
        takes about twice as long.
    max_iter : int, default=1000
        Maximum number of passes over the samples.
    random_state : int, RandomState instance or None, default=0
        Seed of the order of the samples.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of float64 of shape (n_classes, n_features)
        Weights; one row, that of the second class, if there are two classes.
    intercept_ : ndarray of float64 of shape (n_classes,)
        Biases; one if there are two classes.
    C_ : float
        The value of `C` that is used.
    cv_errors_ : dict of float to float
        Error of each candidate in cross-validation; empty unless ``C="auto"``.
    scale_ : float
        Factor of the decision values in the probabilities.
    n_iter_ : int
        Largest number of passes over the samples, among the classes.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    sklearn.svm.LinearSVC : Has the same weights and no probabilities.
    sklearn.calibration.CalibratedClassifierCV : Trains a model for each fold.

    Notes
    -----
    `scale_` is fitted to decision values of samples that were left out of training. For
    ``C="auto"`` they come from the folds. Otherwise they are approximated from the
    model itself, without training again: leaving out sample i lowers its margin by
    ``a_i * h_i``, where ``a_i`` is its dual variable and ``h_i`` its variance under
    the inverse Hessian of the others [2]_. The Hessian is replaced by its diagonal,
    which suits texts, because most of their n-grams are in few of them. The
    approximation is good for features of length 1 and `C` of about 1. A larger `C`
    makes it overconfident; then use ``C="auto"`` or `CalibratedClassifierCV`.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On Calibration of Modern Neural
       Networks", ICML 2017, section 4.2. https://arxiv.org/abs/1706.04599
    .. [2] O. Chapelle, V. Vapnik, O. Bousquet and S. Mukherjee, "Choosing Multiple
       Parameters for Support Vector Machines", Machine Learning 46, 2002, section 4.

    Examples
    --------
    >>> from sktextconv.linear_model import ProbabilisticLinearSVC
    >>> X, y = [[0.0, 1.0], [0.6, 0.8], [1.0, 0.0], [0.8, 0.6]], ["a", "a", "b", "b"]
    >>> classifier = ProbabilisticLinearSVC().fit(X, y)
    >>> classifier.predict([[0.1, 0.9]])
    array(['a'], dtype='<U1')
    >>> classifier.predict_proba([[0.1, 0.9]]).shape
    (1, 2)
    """

    C: Positive | Literal["auto"] = 1.0
    cv: Count = 3
    tol: Positive = 0.1
    max_iter: Count = 1000
    random_state: Seed = 0

    def fit(self, X: ArrayLike | scipy.sparse.csr_matrix, y: ArrayLike) -> Self:
        """Fit the weights and the factor of the probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of two or more classes.

        Returns
        -------
        self : ProbabilisticLinearSVC

        Raises
        ------
        ValueError
            If a parameter is invalid, `X` contains NaN or infinity, or `y` has one
            class only.
        """
        check_params(self)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32]
        )
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "ProbabilisticLinearSVC needs samples of at least 2 classes, but y has "
                "only one class. Check the labels."
            )
        n_splits = min(int(self.cv), int(np.bincount(y).min()))
        self.C_, self.cv_errors_, left_out = 1.0, {}, None
        if self.C != "auto":
            self.C_ = float(self.C)
        elif n_splits > 1:
            left_out = self._select_penalty(X, y, n_splits)
        fitted = self._fit_weights(X, y, self.C_)
        self.coef_, self.intercept_ = fitted.coef_, fitted.intercept_
        self.n_iter_ = int(fitted.n_iter_)
        if left_out is None:
            left_out = _leave_one_out(fitted, X, y, self.C_)
        self.scale_ = _fit_scale(left_out, y)
        return self

    def decision_function(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the signed distance of each sample to the hyperplane of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes, positive values are in favor of the second.
        """
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            reset=False,
        )
        decision = safe_sparse_dot(X, self.coef_.T, dense_output=True)
        decision = decision + self.intercept_
        return decision.ravel() if len(self.classes_) == 2 else decision

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
        scores = _to_scores(self.decision_function(X))
        return softmax(self.scale_ * scores, axis=1)

    def _fit_weights(self, X, y, C):
        return LinearSVC(
            C=C,
            dual=True,
            tol=self.tol,
            max_iter=int(self.max_iter),
            random_state=self.random_state,
        ).fit(X, y)

    def _select_penalty(self, X, y, n_splits):
        """Set `C_` by cross-validation; return the decision values of the folds."""
        folds = StratifiedKFold(n_splits, shuffle=True, random_state=0)
        splits = list(folds.split(np.empty(len(y)), y))
        decisions = {}
        for C in _GRID:
            parts = [
                self._fit_weights(X[train], y[train], C).decision_function(X[test])
                for train, test in splits
            ]
            decisions[C] = np.concatenate(parts)[
                np.argsort(np.concatenate([test for _, test in splits]))
            ]
            predicted = _to_scores(decisions[C]).argmax(axis=1)
            self.cv_errors_[C] = float(np.mean(predicted != y))
        self.C_ = min(_GRID, key=self.cv_errors_.__getitem__)
        return decisions[self.C_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _to_scores(decision):
    """Return a score for each class; with two classes, that of the first is 0."""
    if decision.ndim == 1:
        return np.stack([np.zeros_like(decision), decision], axis=1)
    return decision


def _leave_one_out(fitted, X, y, C):
    """Approximate the decision value of each sample if it were left out of training.

    Parameters
    ----------
    fitted : LinearSVC
    X : {ndarray, csr_matrix} of shape (n_samples, n_features)
    y : ndarray of int of shape (n_samples,)
    C : float

    Returns
    -------
    decision : ndarray of shape (n_samples, n_classes) or (n_samples,)
    """
    X = scipy.sparse.csr_matrix(X)
    decision = fitted.decision_function(X)
    classes = np.arange(len(fitted.classes_)) if decision.ndim == 2 else [1]
    sign = np.where(y[:, np.newaxis] == classes, 1.0, -1.0)
    slack = np.maximum(0.0, 1.0 - sign * decision.reshape(sign.shape))
    in_loss = (slack > 0).astype(X.dtype)
    squares = X.multiply(X).tocsr()
    # The mean curvature without one of the samples that contain the feature.
    n_containing = np.bincount(X.indices, minlength=X.shape[1])
    rest = (1 - 1 / np.maximum(n_containing, 1)).astype(X.dtype)[:, np.newaxis]
    curvature = 2 * C * rest * (squares.T @ in_loss)  # (n_features, n_scores)
    variance = squares @ (1 / (1 + curvature))
    variance += 1 / (1 + 2 * C * in_loss.sum(axis=0))  # of the intercept
    change = 2 * C * slack * variance * sign
    return decision - change.reshape(decision.shape)


def _fit_scale(decision, y):
    """Return the factor of decision values with the lowest logarithmic loss."""
    scores, samples = _to_scores(decision), np.arange(len(y))

    def loss(log_scale):
        return -log_softmax(np.exp(log_scale) * scores, axis=1)[samples, y].mean()

    found = scipy.optimize.minimize_scalar(loss, bounds=_LOG_SCALES, method="bounded")
    return float(np.exp(found.x))
