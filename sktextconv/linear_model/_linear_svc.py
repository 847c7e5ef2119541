"""Linear support vector machine with probabilities."""

from typing import Literal, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from ..utils._fit import unchanged_on_error
from ..utils._param_validation import Count, Positive, check_params, hyperparameters
from ._base import BaseLinearSVC, fit_scale, leave_one_out, to_scores

__all__ = ["ProbabilisticLinearSVC"]

_GRID = (0.1, 0.3, 1.0, 3.0, 10.0)  # candidates of C="auto"


@hyperparameters
class ProbabilisticLinearSVC(BaseLinearSVC):
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
    {inherited_parameters}

    Attributes
    ----------
    coef_ : ndarray of float64 of shape (n_classes, n_features)
        Weights; one row, that of the second class, if there are two classes.
    C_ : float
        The value of `C` that is used.
    cv_errors_ : dict of float to float
        Error of each candidate in cross-validation; empty unless ``C="auto"``.
    {inherited_attributes}

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
        with unchanged_on_error(self):
            X, y = validate_data(
                self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32]
            )
            y = self._encode_labels(y)
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
                left_out = leave_one_out(fitted, X, y, self.C_)
            self.scale_ = fit_scale(left_out, y)
        return self

    def _select_penalty(self, X, y, n_splits):
        """Set `C_` by cross-validation; return the decision values of the folds."""
        from sklearn.model_selection import StratifiedKFold

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
            predicted = to_scores(decisions[C]).argmax(axis=1)
            self.cv_errors_[C] = float(np.mean(predicted != y))
        self.C_ = min(_GRID, key=self.cv_errors_.__getitem__)
        return decisions[self.C_]
