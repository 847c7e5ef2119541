"""Support vector machine on naive Bayes features (Wang and Manning, 2012)."""

from typing import Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from ..feature_extraction._log_count_ratio import left_out_ratios, log_count_ratios
from ..utils._fit import unchanged_on_error
from ..utils._param_validation import Positive, check_params, hyperparameters
from ._base import BaseLinearSVC, fit_scale, leave_one_out

__all__ = ["NaiveBayesSVC"]


@hyperparameters
class NaiveBayesSVC(BaseLinearSVC):
    """Linear support vector machine on features weighted by naive Bayes.

    For each class, every positive count becomes its naive Bayes log-count ratio against
    the rest, as in `LogCountRatio`; each sample is scaled to length 1, and a support
    vector machine with the squared hinge loss [1]_ is fitted. Two classes need one. The
    probabilities are the softmax of the decision values times one number.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the L2 penalty.
    alpha : float, default=1.0
        Smoothing of naive Bayes, as in `LogCountRatio`.
    {inherited_parameters}

    Attributes
    ----------
    coef_ : ndarray of float32 of shape (n_classes, n_features)
        Weights of the scaled features; one row, that of the second class, if there are
        two classes.
    log_ratio_ : ndarray of float32 of shape (n_classes, n_features)
        Log-count ratios of the class of each row of `coef_` against the rest.
    {inherited_attributes}

    See Also
    --------
    ProbabilisticLinearSVC : Uses the features as they are.
    sktextconv.feature_extraction.LogCountRatio : Computes the features of two classes.

    Notes
    -----
    With ratios r and weights w, the score of a sample x of zeros and ones is
    ``x @ (r * w) / sqrt(x @ r**2)`` plus the bias: two products for all classes.

    `scale_` is fitted to decision values of samples that were left out of training.
    They are approximated as in `ProbabilisticLinearSVC`, with features whose ratios do
    not count the sample itself. On short texts and with a `C` above 1, probabilities
    are still too close to 0 and 1; then use `CalibratedClassifierCV`.

    Departure from the paper: samples are scaled to length 1, so that one `C` suits
    short and long texts, and the classifier is not interpolated with naive Bayes.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and Bigrams: Simple, Good Sentiment and
       Topic Classification", ACL 2012, section 2. https://aclanthology.org/P12-2018

    Examples
    --------
    >>> from sktextconv.linear_model import NaiveBayesSVC
    >>> X, y = [[3, 0, 1], [1, 1, 0], [0, 1, 1], [0, 2, 0]], ["a", "a", "b", "b"]
    >>> NaiveBayesSVC().fit(X, y).predict([[1, 0, 0], [0, 1, 0]])
    array(['a', 'b'], dtype='<U1')
    """

    C: Positive = 1.0
    alpha: Positive = 1.0

    def fit(self, X: ArrayLike | scipy.sparse.csr_matrix, y: ArrayLike) -> Self:
        """Compute the ratios and fit a classifier for each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts. Only whether they are positive matters.
        y : array-like of shape (n_samples,)
            Labels of two or more classes.

        Returns
        -------
        self : NaiveBayesSVC

        Raises
        ------
        ValueError
            If a parameter is invalid, `X` contains NaN or infinity, or `y` has one
            class only.
        """
        check_params(self)
        with unchanged_on_error(self):
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
            y = self._encode_labels(y)
            present = _to_presence(X)
            self.log_ratio_ = log_count_ratios(present, y, self.alpha)
            n_classes = len(self.classes_)
            targets = range(n_classes - len(self.log_ratio_), n_classes)
            fitted, left_out = zip(
                *(
                    self._fit_class(present, ratio, y == target)
                    for ratio, target in zip(self.log_ratio_, targets, strict=True)
                ),
                strict=True,
            )
            self.coef_ = np.concatenate(
                [each.coef_ for each in fitted], dtype=np.float32
            )
            self.intercept_ = np.concatenate([each.intercept_ for each in fitted])
            self.n_iter_ = int(max(each.n_iter_ for each in fitted))
            left_out = left_out[0] if len(left_out) == 1 else np.stack(left_out, axis=1)
            self.scale_ = fit_scale(left_out, y)
            self._set_prediction_weights()
        return self

    def decision_function(self, X: ArrayLike | scipy.sparse.csr_matrix) -> np.ndarray:
        """Return the decision value of each class against the rest.

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
        products = present @ self._weights / _lengths(present, self._squares)
        return self._add_intercept(products)

    def _fit_class(self, present, ratio, in_class):
        """Fit one class against the rest.

        Returns
        -------
        fitted : LinearSVC
        left_out : ndarray of shape (n_samples,)
            Decision value of each sample if it were left out of training.
        """
        X = _to_features(present, ratio[present.indices])
        without = left_out_ratios(present, in_class, self.alpha, ratio)
        fitted = self._fit_weights(X, in_class, self.C)
        left_out = leave_one_out(
            fitted, X, in_class, self.C, _to_features(present, without)
        )
        return fitted, left_out

    def _set_prediction_weights(self):
        # A row per feature makes sparse products fast.
        self._weights = np.ascontiguousarray((self.log_ratio_ * self.coef_).T)
        self._squares = np.ascontiguousarray((self.log_ratio_**2).T)

    def __getstate__(self):
        state = super().__getstate__().items()
        return {name: v for name, v in state if name not in ("_weights", "_squares")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "coef_" in state:
            self._set_prediction_weights()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # only presence counts
        return tags


def _to_presence(X):
    """Return 1 for each positive count, and 0 for all others."""
    X = scipy.sparse.csr_matrix(X)
    data = (X.data > 0).astype(np.float32)
    return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def _to_features(present, ratios):
    """Return samples of length 1, given the ratio of each entry of `present`."""
    features = scipy.sparse.csr_matrix(
        (ratios * present.data, present.indices, present.indptr), shape=present.shape
    )
    return normalize(features, copy=False)


def _lengths(present, squares):
    """Return the length of each sample before scaling; 1 for samples of zeros."""
    lengths = np.sqrt(present @ squares)
    lengths[lengths == 0] = 1.0
    return lengths
