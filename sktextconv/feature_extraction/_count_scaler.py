"""Scaling of counts by their largest value."""

from typing import Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._fit import unchanged_on_error
from ..utils._param_validation import check_params, hyperparameters

__all__ = ["CountScaler"]


@hyperparameters
class CountScaler(
    OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Transformer that divides counts, or counts times idf, by their largest value.

    Parameters
    ----------
    idf : bool, default=False
        Whether to multiply each count by ``ln(N / n_w)`` first, where n_w of the N
        training documents contain the feature, without smoothing.

    Attributes
    ----------
    idf_ : ndarray of float64 of shape (n_features,)
        Weight of each feature; 1 if `idf` is False.
    largest_ : float
        Largest weighted count in the training documents; 1 if all are zero.
    n_features_in_ : int
        Number of features seen in `fit`.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfTransformer : Smooths idf and scales each
        document to length 1.

    Notes
    -----
    A feature that all training documents contain has idf 0. A feature that none
    contains has the idf of a feature that one contains.

    The output is float64, so that saved pipelines predict the same to the last digit.
    `sktextconv.linear_model.LogisticRegression` does not need it; scikit-learn's
    newton-cg would round the small curvatures to zero in float32.

    The paper does not specify over which counts the largest value is taken, nor the
    base of the logarithm. Here one value is taken over all training documents, so that
    features of new documents can exceed 1. The base has no effect after the division.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> import scipy.sparse
    >>> from sktextconv.feature_extraction import CountScaler
    >>> counts = scipy.sparse.csr_matrix([[4, 1], [2, 0]])
    >>> CountScaler().fit_transform(counts).toarray()
    array([[1.  , 0.25],
           [0.5 , 0.  ]])
    >>> CountScaler(idf=True).fit_transform(counts).toarray()
    array([[0., 1.],
           [0., 0.]])
    """

    idf: bool = False

    def fit(self, X: ArrayLike | scipy.sparse.csr_matrix, y: object = None) -> Self:
        """Compute the weights and the largest value.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts. A document contains a feature if a sparse matrix stores an entry
            for it, even a zero.
        y : None
            Ignored.

        Returns
        -------
        self : CountScaler
        """
        check_params(self)
        with unchanged_on_error(self):
            X = self._check(X, reset=True)
            n_samples, n_features = X.shape
            self.idf_ = np.ones(n_features)
            if self.idf:
                n_containing = np.bincount(X.indices, minlength=n_features)
                self.idf_ = np.log(n_samples / np.maximum(n_containing, 1))
            largest = (X.data * self.idf_[X.indices]).max(initial=0.0)
            self.largest_ = float(largest) or 1.0
        return self

    def transform(
        self, X: ArrayLike | scipy.sparse.csr_matrix
    ) -> scipy.sparse.csr_matrix:
        """Scale counts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.

        Returns
        -------
        features : csr_matrix of float64 of shape (n_samples, n_features)
            Scaled counts, which share the index arrays of `X`.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        data = X.data * self.idf_[X.indices]
        data /= self.largest_
        return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _check(self, X, *, reset):
        # float32 is accepted, because converting a sparse matrix copies its indices.
        X = validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            reset=reset,
        )
        return scipy.sparse.csr_matrix(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
