"""Counts of words by clusters of their word vectors."""

import sys
from collections.abc import Callable, Collection
from typing import Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from ..encoding._ragged import N_RESERVED
from ..encoding._word import WordEncoder
from ..encoding._word_vectors import word_vectors
from ..utils._param_validation import Count, Seed, Size, check_params, hyperparameters
from ..utils.validation import TextInputMixin, check_texts

__all__ = ["BagOfMeansVectorizer"]

_NO_CLUSTER = -1  # column of words that are in no cluster

# Above this number of words, k-means with 5,000 means on all words at once takes
# minutes. Minibatch k-means is faster, at slightly larger distances within clusters.
_MAX_WORDS_OF_KMEANS = 100_000

# This limit bounds the memory of a step; the result does not depend on it.
_TEXTS_PER_CHUNK = 4096


@hyperparameters
class BagOfMeansVectorizer(
    TextInputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Vectorizer that counts words by k-means clusters of their word vectors.

    `fit` trains word2vec vectors on the training texts, without labels, and clusters
    them by k-means. `transform` counts the words of each text in each cluster.
    It requires gensim: ``pip install 'sktextconv[vectors]'``.

    Parameters
    ----------
    n_means : int, default=5_000
        Number of clusters. If the training texts have at most this many words, each
        word is a cluster of its own, and no vectors are trained.
    embedding_dim : int, default=300
        Size of the word vectors.
    min_count : int, default=6
        Words that occur less often in the training texts are in no cluster.
    tokenizer : callable or None, default=None
        Function from a lower-cased text to the list of its words. None finds words as
        `NGramVectorizer` does.
    random_state : int, RandomState instance or None, default=None
        Seed of the word vectors and of k-means. Pass an int for reproducible results.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Column of each word, the most frequent words first. Computed on access.

    See Also
    --------
    NGramVectorizer : Counts each word separately.

    Notes
    -----
    Words are lowercased, and found as in `NGramVectorizer`. All words of a text are
    read, however long it is. The Notes of `sktextconv.encoding.word_vectors` describe
    how the vectors are trained.

    The paper specifies nothing of k-means but the number of means. This class uses
    the one of scikit-learn with random initialization, because k-means++ takes longer
    than all iterations together. Above 100,000 words it uses minibatch k-means. Empty
    clusters are dropped. Columns are ordered by the most frequent word of each
    cluster.

    Training runs on one thread: with several, rounding errors and hence clusters would
    differ between runs.

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
    tokenizer: Callable | None = None
    random_state: Seed = None

    def fit(self, X: Collection[str], y: object = None) -> Self:
        """Train the word vectors and cluster the words.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            The training texts.
        y : None
            Ignored.

        Returns
        -------
        self : BagOfMeansVectorizer

        Raises
        ------
        ValueError
            If a parameter is invalid, if `X` is a single text, is empty, has more than
            one dimension or contains a missing value, or if no word is frequent
            enough.
        TypeError
            If `X` is not a sequence, a text is not a str, or `tokenizer` does not
            return a list of str.
        ImportError
            If gensim is not installed and there are more words than `n_means`.
        """
        check_params(self)
        texts = check_texts(X, required_by=type(self).__name__)
        encoder = _make_encoder(self.min_count, self.tokenizer).fit(texts)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(2**31, size=2)
        clusters = np.arange(len(encoder.words))
        if len(clusters) > self.n_means:
            dim, seed = int(self.embedding_dim), int(seeds[0])
            vectors = word_vectors("word2vec", encoder, texts, dim=dim, seed=seed)
            clusters = _cluster(vectors[N_RESERVED:], int(self.n_means), int(seeds[1]))
        columns = np.full(encoder.n_tokens, _NO_CLUSTER, dtype=np.int32)
        columns[N_RESERVED:] = clusters
        self._columns, self._encoder = columns, encoder
        return self

    def transform(self, X: Collection[str]) -> scipy.sparse.csr_matrix:
        """Return the number of words in each cluster.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)

        Returns
        -------
        counts : csr_matrix of float32 of shape (n_samples, n_clusters)
            With sorted indices.
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        starts = range(0, len(texts), _TEXTS_PER_CHUNK)
        counts = [
            self._count(texts[start : start + _TEXTS_PER_CHUNK]) for start in starts
        ]
        return scipy.sparse.vstack(counts, format="csr")

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the most frequent word of each cluster, in column order.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of object of shape (n_clusters,)
        """
        check_is_fitted(self)
        _, first = np.unique(self._columns[N_RESERVED:], return_index=True)
        return np.array(self._encoder.words, dtype=object)[first]

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Column of each word."""
        check_is_fitted(self)
        columns = self._columns[N_RESERVED:].tolist()
        return dict(zip(self._encoder.words, columns, strict=True))

    def _count(self, texts):
        ragged = self._encoder._encode(texts)
        columns = self._columns[ragged.ids]
        counted = columns != _NO_CLUSTER
        n_before = np.concatenate([[0], np.cumsum(counted)])  # (n_words + 1,)
        columns = columns[counted]
        counts = scipy.sparse.csr_matrix(
            (np.ones(len(columns), np.float32), columns, n_before[ragged.offsets]),
            shape=(len(texts), self._columns.max() + 1),
        )
        counts.sum_duplicates()
        return counts

    def __getstate__(self):
        # JSON-serializable values and arrays only.
        state = dict(super().__getstate__())
        if "_encoder" in state:
            encoder = state.pop("_encoder")
            fitted = encoder.get_state() | {"tokenizer": encoder.tokenizer}
            state |= {f"_{name}": value for name, value in fitted.items()}
        return state

    def __setstate__(self, state):
        state = dict(state)
        if "_words" in state:
            words, split_scripts = state.pop("_words"), state.pop("_split_scripts")
            encoder = _make_encoder(1, state.pop("_tokenizer", None))
            encoder.set_state(words=words, split_scripts=split_scripts)
            state["_encoder"] = encoder
        super().__setstate__(state)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_columns")


def _make_encoder(min_count, tokenizer):
    """Return an encoder that reads all words of a text."""
    return WordEncoder(
        max_tokens=sys.maxsize,
        min_count=min_count,
        max_length=sys.maxsize,
        tokenizer=tokenizer,
    )


def _cluster(vectors, n_means, seed):
    """Cluster vectors by k-means.

    Parameters
    ----------
    vectors : ndarray of float32 of shape (n_words, dim)
    n_means : int
        At most `n_words`.
    seed : int

    Returns
    -------
    clusters : ndarray of int of shape (n_words,)
        Cluster of each word, numbered from 0 in the order of their first words.
    """
    # Imported here because prediction does not need it.
    from sklearn.cluster import KMeans, MiniBatchKMeans

    settings = {"init": "random", "n_init": 1, "random_state": seed}
    if len(vectors) > _MAX_WORDS_OF_KMEANS:
        kmeans = MiniBatchKMeans(n_means, batch_size=4 * n_means, **settings)
    else:
        kmeans = KMeans(n_means, **settings)
    # Several threads would sum the vectors of a mean in varying order.
    with threadpool_limits(1):
        labels = kmeans.fit_predict(vectors)
    _, first, clusters = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[clusters]
