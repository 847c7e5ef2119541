"""Scaling of counts by the largest."""

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._param_validation import check_params, hyperparameters

__all__ = ["CountScaler"]


@hyperparameters
class CountScaler(
    OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Divide counts, or counts times idf, by the largest feature value.

    Parameters
    ----------
    idf : bool, default=False
        Whether each count is first multiplied by ``ln(N / n_w)``, where n_w of the N
        training documents hold the feature: not smoothed, and nothing added.

    Attributes
    ----------
    idf_ : ndarray of float64 of shape (n_features,)
        Weight of each feature; ones without idf.
    largest_ : float
        Largest count times weight of the training documents; 1 if all are zero.
    n_features_in_ : int
        Features seen in fit.

    See Also
    --------
    sklearn.feature_extraction.text.TfidfTransformer : Smoothed idf; each document is
        scaled to length 1.

    Notes
    -----
    A feature found in all training documents has idf 0, and so no influence; one
    found in none has the idf of one found once.

    Features are float64: after the division the curvature of a loss over them is so
    small that, in float32, the newton-cg solver of scikit-learn takes it for zero.

    The paper does not say over what the largest value is taken, nor the base of the
    logarithm: here it is one value for all documents, so that new ones may exceed 1,
    and the natural logarithm, which makes no difference after the division.

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

    def fit(self, X, y=None):
        """Learn the weights and the largest value.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_features)
            Counts. The stored entries of a sparse matrix are those found.
        y : None
            Ignored.

        Returns
        -------
        self : CountScaler
        """
        check_params(self)
        X = self._check(X, reset=True)
        n_documents, n_features = X.shape
        self.idf_ = np.ones(n_features)
        if self.idf:
            n_holding = np.bincount(X.indices, minlength=n_features)
            self.idf_ = np.log(n_documents / np.maximum(n_holding, 1))
        largest = (X.data * self.idf_[X.indices]).max(initial=0.0)
        self.largest_ = float(largest) or 1.0
        return self

    def transform(self, X):
        """Scale counts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_features)
            Counts.

        Returns
        -------
        features : csr_matrix of float64 of shape (n_documents, n_features)
            Shares the index arrays of `X`.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        data = X.data * self.idf_[X.indices]
        data /= self.largest_
        return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _check(self, X, *, reset):
        # float32 stays as it is here: to convert a sparse matrix copies its indices.
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
