"""Counts weighed by how much oftener one class has them (Wang and Manning, 2012)."""

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._param_validation import Positive, check_params, hyperparameters

__all__ = ["LogCountRatio"]


@hyperparameters
class LogCountRatio(
    OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Replace counts by the log-count ratio of two classes where a document has any.

    The weights of multinomial naive Bayes as features: a linear model starts from what
    each word says alone, and corrects it.

    Parameters
    ----------
    alpha : float, default=1.0
        Added to the number of documents of each class that have a feature.

    Attributes
    ----------
    log_ratio_ : ndarray of float32 of shape (n_features,)
        Positive where the second class has a feature more often.
    n_features_in_ : int
        Features seen in fit.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, "Baselines and Bigrams: Simple, Good Sentiment and
       Topic Classification", ACL 2012, section 2. https://aclanthology.org/P12-2018

    Examples
    --------
    >>> import scipy.sparse
    >>> from sktextconv.feature_extraction import LogCountRatio
    >>> counts = scipy.sparse.csr_matrix([[3, 0], [1, 1], [0, 1], [0, 2]])
    >>> LogCountRatio().fit_transform(counts, [1, 1, 0, 0]).toarray().round(2)
    array([[ 0.88,  0.  ],
           [ 0.88, -0.63],
           [ 0.  , -0.63],
           [ 0.  , -0.63]], dtype=float32)
    """

    alpha: Positive = 1.0

    def fit(self, X, y):
        """Learn the ratios.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_features)
            Counts.
        y : array-like of shape (n_documents,)
            Two classes; see `sklearn.multiclass.OneVsRestClassifier` for more.

        Returns
        -------
        self : LogCountRatio

        Raises
        ------
        ValueError
            If `y` has not two classes.
        """
        check_params(self)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) != 2:
            raise ValueError(
                f"LogCountRatio compares 2 classes, but y has {len(classes)} classes. "
                "For more, put it into a OneVsRestClassifier."
            )
        present = scipy.sparse.csr_matrix(X).sign()
        log_shares = []
        for code in (0, 1):
            n_documents = present[codes == code].sum(axis=0, dtype=np.float64)
            n_documents = np.asarray(n_documents).ravel()
            # Scaled down, so that the sum of large ones is finite.
            n_documents = (n_documents + self.alpha) / max(self.alpha, 1.0)
            log_shares.append(np.log(n_documents) - np.log(n_documents.sum()))
        self.log_ratio_ = (log_shares[1] - log_shares[0]).astype(np.float32)
        return self

    def transform(self, X):
        """Weigh the features that documents have.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_documents, n_features)
            Counts.

        Returns
        -------
        features : csr_matrix of float32 of shape (n_documents, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        X = scipy.sparse.csr_matrix(X)
        data = np.sign(X.data) * self.log_ratio_[X.indices]
        return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags
