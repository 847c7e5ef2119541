"""Logistic regression on features weighted by naive Bayes (Wang and Manning, 2012)."""

from typing import Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..feature_extraction._log_count_ratio import log_count_ratios
from ..utils._param_validation import (
    Count,
    Positive,
    check_params,
    hyperparameters,
)

__all__ = ["NaiveBayesLogisticRegression"]


@hyperparameters
class NaiveBayesLogisticRegression(ClassifierMixin, BaseEstimator):
    """Logistic regression on features weighted by naive Bayes, class against the rest.

    For each class, every positive count becomes its naive Bayes log-count ratio, as in
    `LogCountRatio`; each sample is scaled to length 1, and a binary logistic regression
    is fitted. Two classes need one regression.

    Parameters
    ----------
    C : float, default=1_000.0
        Inverse strength of the L2 penalty.
    alpha : float, default=1.0
        Smoothing of naive Bayes, as in `LogCountRatio`.
    tol : float, default=1e-4
        Tolerance of the solver, the trust-region Newton method of LIBLINEAR.
    max_iter : int, default=1000
        Maximum number of Newton steps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of float32 of shape (n_classes, n_features)
        Weights of the scaled features; one row, that of the second class, if there are
        two classes.
    intercept_ : ndarray of float64 of shape (n_classes,)
        Biases; one if there are two classes.
    log_ratio_ : ndarray of float32 of shape (n_classes, n_features)
        Log-count ratios of the class of each row of `coef_` against the rest.
    n_iter_ : int
        Largest number of Newton steps, among the classes.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    sktextconv.feature_extraction.LogCountRatio : Computes the features of two classes.

    Notes
    -----
    With ratios r and weights w, the score of a sample x of zeros and ones is
    ``x @ (r * w) / sqrt(x @ r**2)`` plus the bias: two products for all classes.

    With more than two classes, the probabilities of the regressions are divided by
    their sum.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and Bigrams: Simple, Good Sentiment and
       Topic Classification", ACL 2012, section 2. https://aclanthology.org/P12-2018

    Examples
    --------
    >>> from sktextconv.linear_model import NaiveBayesLogisticRegression
    >>> X, y = [[3, 0, 1], [1, 1, 0], [0, 1, 1], [0, 2, 0]], ["a", "a", "b", "b"]
    >>> NaiveBayesLogisticRegression().fit(X, y).predict([[1, 0, 0], [0, 1, 0]])
    array(['a', 'b'], dtype='<U1')
    """

    C: Positive = 1_000.0
    alpha: Positive = 1.0
    tol: Positive = 1e-4
    max_iter: Count = 1000

    def fit(self, X: ArrayLike | scipy.sparse.csr_matrix, y: ArrayLike) -> Self:
        """Compute the ratios and fit the regressions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts. Only whether they are positive matters.
        y : array-like of shape (n_samples,)
            Labels of two or more classes.

        Returns
        -------
        self : NaiveBayesLogisticRegression

        Raises
        ------
        ValueError
            If a parameter is invalid, `X` contains NaN or infinity, or `y` has one
            class only.
        """
        check_params(self)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        check_classification_targets(y)
        self.classes_, y = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "NaiveBayesLogisticRegression needs samples of at least 2 classes, but "
                "y has only one class. Check the labels."
            )
        present = _to_presence(X)
        self.log_ratio_ = log_count_ratios(present, y, self.alpha)
        lengths = _lengths(present, self._prediction_weights(self.log_ratio_**2))
        targets = range(len(self.classes_) - len(self.log_ratio_), len(self.classes_))
        fitted = [
            self._fit_class(present, ratio, length, y == target)
            for ratio, length, target in zip(
                self.log_ratio_, lengths.T, targets, strict=True
            )
        ]
        self.coef_ = np.concatenate([each.coef_ for each in fitted]).astype(np.float32)
        self.intercept_ = np.concatenate([each.intercept_ for each in fitted])
        self.n_iter_ = int(max(each.n_iter_.max() for each in fitted))
        self._set_prediction_weights()
        return self

    def decision_function(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the log-odds of each class against the rest.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.

        Returns
        -------
        decision : ndarray of float64 of shape (n_samples, n_classes) or (n_samples,)
            For two classes, positive values are in favor of the second.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        present = _to_presence(X)
        decision = present @ self._weights / _lengths(present, self._squares)
        decision = decision + self.intercept_
        return decision.ravel() if len(self.classes_) == 2 else decision

    def predict(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the class of the largest log-odds.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.

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
            Counts.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples, n_classes)
        """
        probabilities = expit(self.decision_function(X))
        if probabilities.ndim == 1:
            return np.stack([1 - probabilities, probabilities], axis=1)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def _fit_class(self, present, ratio, lengths, y):
        """Return the regression of one class against the rest."""
        data = ratio[present.indices] * present.data
        data /= np.repeat(lengths, np.diff(present.indptr)).astype(np.float32)
        features = scipy.sparse.csr_matrix(
            (data, present.indices, present.indptr), shape=present.shape
        )
        # Dual coordinate descent is faster on IMDB, but several times as slow on
        # docstrings, because C is large.
        return LogisticRegression(
            C=self.C,
            solver="liblinear",
            tol=self.tol,
            max_iter=int(self.max_iter),
        ).fit(features, y)

    def _set_prediction_weights(self):
        self._weights = self._prediction_weights(self.log_ratio_ * self.coef_)
        self._squares = self._prediction_weights(self.log_ratio_**2)

    @staticmethod
    def _prediction_weights(rows):
        """Return a row of weights per feature, for fast sparse products."""
        return np.ascontiguousarray(rows.T)

    def __getstate__(self):
        state = super().__getstate__().items()
        return {name: v for name, v in state if name not in ("_weights", "_squares")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "coef_" in state:
            self._set_prediction_weights()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.poor_score = True  # only presence counts
        return tags


def _to_presence(X):
    """Return 1 for each positive count, and 0 for all others."""
    X = scipy.sparse.csr_matrix(X)
    data = (X.data > 0).astype(np.float32)
    return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def _lengths(present, squares):
    """Return the length of each weighted sample; 1 for samples of zeros."""
    lengths = np.sqrt(np.maximum(present @ squares, 0))
    lengths[lengths == 0] = 1.0
    return lengths
