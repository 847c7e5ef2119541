"""Naive Bayes log-count ratios as features (Wang and Manning, 2012)."""

from typing import Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ..utils._fit import unchanged_on_error
from ..utils._param_validation import Positive, check_params, hyperparameters

__all__ = [
    "LogCountRatio",
    "left_out_ratios",
    "log_count_ratio",
    "log_count_ratios",
]


@hyperparameters
class LogCountRatio(
    OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Transformer that replaces counts by naive Bayes log-count ratios of two classes.

    Each positive count becomes the weight that multinomial naive Bayes gives to the
    feature. Counts of 0 stay 0. A linear model fitted to these features starts from
    naive Bayes and corrects it.

    Parameters
    ----------
    alpha : float, default=1.0
        Smoothing: ``2 * alpha`` documents are added to those that contain a feature,
        divided between the classes as the training documents are. For classes of equal
        size, each gets `alpha`, as in [1]_.

    Attributes
    ----------
    log_ratio_ : ndarray of float32 of shape (n_features,)
        Weight of each feature. It is positive if the feature is more frequent in the
        second class.
    n_features_in_ : int
        Number of features seen in `fit`.

    Notes
    -----
    Let p and q be the counts of a feature: `alpha` and the number of documents of each
    class that contain it. The weight is ``log((p / ||p||_1) / (q / ||q||_1))``.

    Departure from the paper: the paper adds the same `alpha` to both classes, which
    distorts all ratios if one class is small, such as one class against the rest. Of V
    features, most occur once, so that ``||p||_1`` and ``||q||_1`` consist largely of
    the V times `alpha` added to each. Words that are more frequent in the small class
    then get a weight near 0, and words that are equally frequent in both classes a
    negative one. With `alpha` divided by the sizes of the classes, a feature that is
    equally frequent in both has a weight near 0.

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

    def fit(self, X: ArrayLike | scipy.sparse.csr_matrix, y: ArrayLike) -> Self:
        """Compute the log-count ratios.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.
        y : array-like of shape (n_samples,)
            Labels of two classes. For more, see
            `sklearn.multiclass.OneVsRestClassifier`.

        Returns
        -------
        self : LogCountRatio

        Raises
        ------
        ValueError
            If `alpha` is not positive, or `y` does not have exactly two classes.
        """
        check_params(self)
        with unchanged_on_error(self):
            X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
            classes, y_encoded = np.unique(y, return_inverse=True)
            if len(classes) != 2:
                raise ValueError(
                    "LogCountRatio expects exactly 2 classes, but y has "
                    f"{len(classes)}. For more than 2, wrap the pipeline that contains "
                    "it in a OneVsRestClassifier."
                )
            present = scipy.sparse.csr_matrix(X).sign()
            self.log_ratio_ = log_count_ratios(present, y_encoded, self.alpha)[0]
        return self

    def transform(
        self, X: ArrayLike | scipy.sparse.csr_matrix
    ) -> scipy.sparse.csr_matrix:
        """Replace positive counts by the log-count ratios.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts.

        Returns
        -------
        features : csr_matrix of float32 of shape (n_samples, n_features)
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


def log_count_ratios(present, y, alpha):
    """Compute the log-count ratios of each class against the rest.

    Parameters
    ----------
    present : csr_matrix of float32 of shape (n_samples, n_features)
        1 where a document contains a feature.
    y : ndarray of int of shape (n_samples,)
        Classes, from 0; each occurs.
    alpha : float
        As in `LogCountRatio`.

    Returns
    -------
    ratios : ndarray of float32 of shape (n_classes, n_features)
        For two classes one row, that of the second.
    """
    n_samples, n_features = present.shape
    members = scipy.sparse.csr_matrix(
        (np.ones(n_samples), (y, np.arange(n_samples))),
    )
    n_containing = members @ present  # sparse, of shape (n_classes, n_features)
    fractions = np.bincount(y) / n_samples
    total = np.asarray(n_containing.sum(axis=0)).ravel()
    targets = range(1 if len(fractions) == 2 else 0, len(fractions))
    ratios = np.empty((len(targets), n_features), dtype=np.float32)
    for ratio, target in zip(ratios, targets, strict=True):
        in_class = n_containing[[target]].toarray().ravel()
        ratio[:] = log_count_ratio(in_class, total, fractions[target], alpha)
    return ratios


def log_count_ratio(in_class, total, fraction, alpha):
    """Compute the log-count ratio of each feature for a class against the rest.

    Parameters
    ----------
    in_class, total : ndarray of shape (n_features,)
        Documents that contain each feature, of the class and of all classes.
    fraction : float
        Fraction of the documents that are of the class.
    alpha : float
        As in `LogCountRatio`.

    Returns
    -------
    ratio : ndarray of shape (n_features,)
    """
    in_rest = _smooth(total - in_class, 1 - fraction, alpha)
    in_class = _smooth(in_class, fraction, alpha)
    log_probabilities = [
        np.log(counts) - np.log(counts.sum()) for counts in (in_class, in_rest)
    ]
    return log_probabilities[0] - log_probabilities[1]


def left_out_ratios(present, in_class, alpha, ratio):
    """Compute the ratios of each sample's features as if it were left out of training.

    Parameters
    ----------
    present : csr_matrix of float32 of shape (n_samples, n_features)
        As in `log_count_ratios`.
    in_class : ndarray of bool of shape (n_samples,)
        Whether a sample is of the class or of the rest.
    alpha : float
    ratio : ndarray of float32 of shape (n_features,)
        Ratios of all samples.

    Returns
    -------
    ratios : ndarray of float32 of shape (present.nnz,)
        Ratio of each entry of `present`. The sums over all features, from which one
        sample takes little, are not changed.
    """
    ratios = ratio[present.indices]
    entries_in_class = np.repeat(in_class, np.diff(present.indptr))
    for members, entries, sign in (
        (in_class, entries_in_class, -1.0),
        (~in_class, ~entries_in_class, 1.0),
    ):
        counts = np.maximum(members.astype(np.float64) @ present, 1.0)
        smoothed, with_one_less = (
            _smooth(each, members.mean(), alpha) for each in (counts, counts - 1)
        )
        change = sign * (np.log(smoothed) - np.log(with_one_less))
        ratios[entries] += change[present.indices[entries]].astype(np.float32)
    return ratios


def _smooth(counts, fraction, alpha):
    """Return smoothed counts, divided by `alpha` if it is large, against overflow.

    `fraction` is that of the samples that are counted.
    """
    scale = max(alpha, 1.0)
    # Departs from the paper: it adds the same alpha to both classes.
    return counts / scale + 2 * fraction * (alpha / scale)
