"""Logistic regression for sparse features of high dimension."""

import warnings
from typing import Literal, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..utils._fit import unchanged_on_error
from ..utils._param_validation import Count, Positive, check_params, hyperparameters
from ..utils._training_data import check_total_weight, class_weights
from ._base import BaseLinearClassifier
from ._newton_cg import Binary, Multinomial, minimize

__all__ = ["LogisticRegression"]

# `C` per class of C="auto", for feature vectors of length 1 on average.
_AUTO_PER_CLASS = 25.0


@hyperparameters
class LogisticRegression(BaseLinearClassifier):
    """Logistic regression with an L2 penalty, fast on sparse features.

    The model is that of `sklearn.linear_model.LogisticRegression`: binary for two
    classes, multinomial for more. Only the solver differs.

    Parameters
    ----------
    C : float or "auto", default=1.0
        Inverse strength of the L2 penalty. The intercept is not penalized. "auto"
        computes it from the number of classes and the lengths of the feature vectors;
        see the Notes.
    tol : float, default=0.0001
        Relative tolerance: the solver stops when a step lowers the objective by less
        than about `tol` times its value. It means the same for any number of classes
        and any scale of the features. Errors of probabilities are of the order of its
        square root. Values below 1e-16 act like 1e-16.
    max_iter : int, default=100
        Largest number of Newton steps.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes. With "balanced", they are inversely proportional to the
        numbers of samples.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    coef_ : ndarray of float64 of shape (1, n_features) or (n_classes, n_features)
        Weights. Two classes share one row, which is that of the second class.
    intercept_ : ndarray of float64 of shape (1,) or (n_classes,)
        Intercepts; 0 if `fit_intercept` is False.
    C_ : float
        The value of `C` that is used.
    n_iter_ : ndarray of int of shape (1,)
        Number of Newton steps.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : Has more penalties and solvers.

    Notes
    -----
    `fit` minimizes ``C * sum(loss) + ||coef||**2 / 2``. It computes Newton steps by
    conjugate gradients [1]_ and their lengths by an exact line search, which needs no
    product with the features. The diagonal of the Hessian is the preconditioner [2]_.
    The products with the features, which take most of the time, are in float32; the
    objective and its gradient are in float64.

    ``C="auto"`` is ``25 * n_classes / m**2``, twice as much for two classes, where m is
    the mean length of the feature vectors, weighted by the weights of the samples. The
    same texts give the same model, whatever the scale of the features. The loss of one
    of K equally probable classes has a curvature of about 1 / K, so that without the
    factor `n_classes` the penalty would dominate for many classes. Two classes share
    their weights, which the penalty counts once instead of twice.

    References
    ----------
    .. [1] C.-J. Lin, R. C. Weng and S. S. Keerthi, "Trust Region Newton Method for
       Large-Scale Logistic Regression", JMLR 9, 2008.
       https://www.jmlr.org/papers/v9/lin08b.html
    .. [2] L. Galli and C.-J. Lin, "A Study on Truncated Newton Methods for Linear
       Classification", IEEE Transactions on Neural Networks and Learning Systems
       33(7), 2022. https://doi.org/10.1109/TNNLS.2020.3045836

    Examples
    --------
    >>> import scipy.sparse
    >>> from sktextconv.linear_model import LogisticRegression
    >>> X = scipy.sparse.csr_matrix([[1, 0], [2, 0], [0, 1], [0, 2]])
    >>> classifier = LogisticRegression().fit(X, ["a", "a", "b", "b"])
    >>> classifier.predict([[0, 3]])
    array(['b'], dtype='<U1')
    """

    C: Positive | Literal["auto"] = 1.0
    tol: Positive = 1e-4
    max_iter: Count = 100
    fit_intercept: bool = True
    class_weight: dict | Literal["balanced"] | None = None

    def fit(
        self,
        X: ArrayLike | scipy.sparse.csr_matrix,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. A CSR matrix of float32 or float64 is not copied.
        y : array-like of shape (n_samples,)
            Labels of two classes or more.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples. None weights them equally.

        Returns
        -------
        self : LogisticRegression

        Raises
        ------
        ValueError
            If a parameter is invalid, if `y` has only one class, or if a weight is
            below 0 or their sum, times `class_weight`, is 0 or too large.

        Warns
        -----
        ConvergenceWarning
            If the solver reaches `max_iter` before its tolerance.
        """
        check_params(self)
        with unchanged_on_error(self):
            X, y = validate_data(
                self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32]
            )
            y_encoded = self._encode_labels(y)
            weights = _check_sample_weight(
                sample_weight, X, dtype=np.float64, copy=True
            )
            with np.errstate(over="ignore"):
                weights *= class_weights(
                    self.class_weight, self.classes_, y_encoded, weights
                )[y_encoded]
            if not (np.isfinite(weights).all() and (weights >= 0).all()):
                raise ValueError(
                    "LogisticRegression expects finite weights of at least 0 in "
                    "sample_weight and class_weight."
                )
            check_total_weight(weights)
            if self.C == "auto":
                self.C_ = _choose_penalty(X, weights, len(self.classes_))
            else:
                self.C_ = float(self.C)
            self._minimize(X, y_encoded, weights)
        return self

    def _minimize(self, X, y_encoded, weights):
        n_classes = len(self.classes_)
        totals = np.bincount(y_encoded, weights=weights, minlength=n_classes)
        # The best intercepts without features; a class may have no weight.
        start = np.log(np.maximum(totals / totals.sum(), 1e-9))
        if n_classes == 2:
            loss = Binary(y_encoded, weights)
            start = start[1:] - start[:1]
        else:
            loss = Multinomial(y_encoded, weights, n_classes)
            start -= start.mean()
        coef, self.intercept_, n_iter, converged = minimize(
            X,
            loss,
            penalty=min(1 / self.C_, 1e200),
            tol=float(self.tol),
            max_iter=int(self.max_iter),
            fit_intercept=bool(self.fit_intercept),
            start=start * bool(self.fit_intercept),
        )
        if n_classes > 2:
            # A constant does not change the probabilities.
            self.intercept_ -= self.intercept_.mean()
        # A transposed view: products with `coef_.T` need no copy.
        self.coef_ = coef.T
        self.n_iter_ = np.array([n_iter], dtype=np.int32)
        if not converged:
            warnings.warn(
                f"LogisticRegression stopped after max_iter={self.max_iter} steps, "
                f"before its tolerance tol={self.tol:g}. Increase one of the two, or "
                "use a smaller C.",
                ConvergenceWarning,
                stacklevel=3,
            )


def _choose_penalty(X, weights, n_classes):
    """Return the value of ``C="auto"``; 1 if no sample with a weight has features."""
    mean = np.average(row_norms(X), weights=weights)
    if not 1e-100 < mean < 1e100:
        return 1.0
    # Two classes share their weights.
    per_class = _AUTO_PER_CLASS * (2 if n_classes == 2 else 1)
    return per_class * n_classes / float(mean) ** 2
