"""Texts to counts of groups of words that are used alike."""

import sys

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from ..encoding._ragged import N_RESERVED
from ..encoding._word import WordEncoder
from ..encoding._word_vectors import word_vectors
from ..utils._param_validation import Count, Seed, Size, check_params, hyperparameters
from ..utils.validation import check_texts

__all__ = ["BagOfMeansVectorizer"]

_OUTSIDE = -1  # the column of a word of no group

# With 5,000 means, more words than this would take k-means over all of them minutes,
# which grow with their number; the small price is that groups are a little wider.
_WORDS_AT_ONCE = 100_000

# Bounds the memory of a step; the result does not depend on it.
_TEXTS_PER_CHUNK = 4096


@hyperparameters
class BagOfMeansVectorizer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Count the words of texts by groups, found by k-means on word vectors.

    Word vectors are trained on the training texts by word2vec, without labels, and
    split into groups by k-means. A text becomes the number of its words in each group.
    Needs gensim: ``pip install 'sktextconv[vectors]'``.

    Parameters
    ----------
    n_means : int, default=5_000
        Groups to form. Where there are no more words than that, each is a group.
    embedding_dim : int, default=300
        Size of the word vectors.
    min_count : int, default=6
        Occurrences in the training texts below which a word is in no group.
    random_state : int, RandomState instance or None, default=None
        Seed of the word vectors and of k-means; an int makes results repeatable.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each word, the most frequent words first; made when asked for.

    See Also
    --------
    NGramVectorizer : Counts of the words themselves, which keep what a group blurs.

    Notes
    -----
    Words are lower-cased runs of letters, digits and underscores, and single marks of
    punctuation, as those of `NGramVectorizer`; of each text all are read. How vectors
    are trained is in the Notes of `sktextconv.encoding.word_vectors`.

    The paper says no more of k-means than the number of means. Here it is that of
    scikit-learn, and the first means are words drawn at random: k-means++ would take
    longer to choose them than all iterations do. Above 100,000 words it goes by
    minibatches of words. A mean that no word is left to is
    dropped. Columns are ordered by the most frequent word of their group.

    Training runs on one thread: with several, the last bits of vectors and means, and
    the groups with them, would be left to chance.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 3.1.
       https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> from sktextconv.feature_extraction import BagOfMeansVectorizer
    >>> texts = ["so good", "so fine", "so bad"]
    >>> vectorizer = BagOfMeansVectorizer(min_count=1, random_state=0).fit(texts)
    >>> vectorizer.get_feature_names_out()
    array(['so', 'bad', 'fine', 'good'], dtype=object)
    >>> vectorizer.transform(["so so good"]).toarray()
    array([[2., 0., 0., 1.]], dtype=float32)
    """

    n_means: Count = 5_000
    embedding_dim: Size = 300
    min_count: Count = 6
    random_state: Seed = None

    def fit(self, X, y=None):
        """Train word vectors and group the words.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        self : BagOfMeansVectorizer

        Raises
        ------
        ValueError
            If a parameter is out of its range, `X` is a single text, has more than
            one dimension, no document or a missing value, or no word is frequent
            enough.
        TypeError
            If `X` is no sequence, or a document is no str.
        ImportError
            If gensim is not installed.
        """
        check_params(self)
        texts = check_texts(X, required_by=type(self).__name__)
        encoder = WordEncoder(
            max_tokens=sys.maxsize, min_count=self.min_count, max_length=sys.maxsize
        ).fit(texts)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(2**31, size=2)
        vectors = word_vectors(
            "word2vec", encoder, texts, dim=int(self.embedding_dim), seed=int(seeds[0])
        )
        groups = _group(vectors[N_RESERVED:], int(self.n_means), int(seeds[1]))
        self._columns = np.full(encoder.n_tokens, _OUTSIDE, dtype=np.int32)
        self._columns[N_RESERVED:] = groups
        self._encoder = encoder
        return self

    def transform(self, X):
        """Return the number of words of each group.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_documents, n_groups)
            With sorted indices.
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        starts = range(0, len(texts), _TEXTS_PER_CHUNK)
        counts = [self._count(texts[at : at + _TEXTS_PER_CHUNK]) for at in starts]
        return scipy.sparse.vstack(counts, format="csr")

    def get_feature_names_out(self, input_features=None):
        """Return the most frequent word of each group, in the order of the columns.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of object of shape (n_groups,)
        """
        check_is_fitted(self)
        _, first = np.unique(self._columns[N_RESERVED:], return_index=True)
        return np.array(self._encoder.words, dtype=object)[first]

    @property
    def vocabulary_(self):
        """Column of each word."""
        check_is_fitted(self)
        columns = self._columns[N_RESERVED:].tolist()
        return dict(zip(self._encoder.words, columns, strict=True))

    def _count(self, texts):
        ragged = self._encoder.encode(texts)
        columns = self._columns[ragged.ids]
        grouped = columns != _OUTSIDE
        n_before = np.concatenate([[0], np.cumsum(grouped)])  # n_words + 1
        columns = columns[grouped]
        counts = scipy.sparse.csr_matrix(
            (np.ones(len(columns), np.float32), columns, n_before[ragged.offsets]),
            shape=(len(texts), self._columns.max() + 1),
        )
        counts.sum_duplicates()
        return counts

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_columns")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags


def _group(vectors, n_means, seed):
    """Group vectors by k-means.

    Parameters
    ----------
    vectors : ndarray of float32 of shape (n_words, dim)
    n_means : int
    seed : int

    Returns
    -------
    groups : ndarray of int of shape (n_words,)
        From 0, in the order in which the first word of each comes.
    """
    if len(vectors) <= n_means:
        return np.arange(len(vectors))
    how = {"init": "random", "n_init": 1, "random_state": seed}
    if len(vectors) > _WORDS_AT_ONCE:
        kmeans = MiniBatchKMeans(n_means, batch_size=4 * n_means, **how)
    else:
        kmeans = KMeans(n_means, **how)
    # Threads add up the parts of a mean in the order in which they come to an end.
    with threadpool_limits(1):
        labels = kmeans.fit_predict(vectors)
    _, first, groups = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[groups]
