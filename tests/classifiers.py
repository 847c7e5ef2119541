"""Tiny public networks, baselines, and adapters for scikit-learn's own checks."""

import numpy as np
from sklearn.utils.validation import validate_data

import sktextconv
from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    OnlineNGramClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)
from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    make_tfidf_classifier,
)

_TINY = {"max_epochs": 2, "batch_size": 8, "random_state": 0}

NETWORKS = {
    "charcnn": sktextconv.CharCNNClassifier(max_length=123, **_TINY),
    "vdcnn": sktextconv.VDCNNClassifier(max_length=64, dense_dim=32, **_TINY),
    "wordcnn": sktextconv.WordCNNClassifier(max_length=123, embedding_dim=16, **_TINY),
    "kimcnn": sktextconv.KimCNNClassifier(embedding_dim=16, n_filters=8, **_TINY),
    "rnn": sktextconv.RNNClassifier(embedding_dim=16, hidden_dim=16, **_TINY),
    "han": sktextconv.HANClassifier(
        min_count=1, embedding_dim=16, hidden_dim=8, **_TINY
    ),
    "charcrnn": sktextconv.CharCRNNClassifier(
        max_length=123, n_filters=32, hidden_dim=16, **_TINY
    ),
    "dpcnn": sktextconv.DPCNNClassifier(
        embedding_dim=16, n_blocks=3, n_filters=16, **_TINY
    ),
    "fasttext": sktextconv.FastTextClassifier(n_buckets=500, **_TINY),
}

PIPELINES = {
    "bow": make_bow_classifier(),
    "bow-tfidf": make_bow_classifier(tfidf=True),
    "ngrams": make_ngram_classifier(max_n=2),
    "ngrams-tfidf": make_ngram_classifier(max_n=2, tfidf=True),
    "ngrams-nb": make_nb_ngram_classifier(),
    "tfidf": make_tfidf_classifier(),
    "bag-of-means": make_bag_of_means_classifier(
        n_means=4, embedding_dim=8, min_count=1, random_state=0
    ),
}

ONLINE = {"tfidf-online": OnlineNGramClassifier(n_features=2**12, random_state=0)}
LINEAR = PIPELINES | ONLINE


class OnNumbers:
    """Adapter from rows of numbers to texts, for scikit-learn's own checks.

    Each number of a row becomes a letter. For networks over words, it becomes a word: a
    letter followed by the number of its column.
    """

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(self._to_texts(X, reset=True), y, sample_weight)

    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        texts = self._to_texts(X, reset=not self.__sklearn_is_fitted__())
        return super().partial_fit(texts, y, classes, sample_weight)

    def _logits(self, X):
        # An unfitted classifier must raise NotFittedError, also for invalid input.
        return super()._logits(
            self._to_texts(X, reset=False) if self.__sklearn_is_fitted__() else X
        )

    def _to_texts(self, X, *, reset):
        X = validate_data(self, X, dtype="numeric", reset=reset)
        letters = np.clip((X.astype(float) + 6.5) * 2, 0, 25).astype(int) + ord("a")
        if not hasattr(self, "max_tokens"):
            return ["".join(map(chr, row)) for row in letters.tolist()]
        return [
            " ".join(f"{chr(letter)}{column}" for column, letter in enumerate(row))
            for row in letters.tolist()
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = False
        tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        return tags


class CharCNNOnNumbers(OnNumbers, CharCNNClassifier):
    pass


class VDCNNOnNumbers(OnNumbers, VDCNNClassifier):
    pass


class WordCNNOnNumbers(OnNumbers, WordCNNClassifier):
    pass


class KimCNNOnNumbers(OnNumbers, KimCNNClassifier):
    pass


class RNNOnNumbers(OnNumbers, RNNClassifier):
    pass


class HANOnNumbers(OnNumbers, HANClassifier):
    pass


_SURE = {"max_epochs": 5, "batch_size": 32, "dropout": 0.0}
_SURE_OF_WORDS = _SURE | {"embedding_dropout": 0.0}
_QUICK = _SURE_OF_WORDS | {"learning_rate": 1e-2}

# Fast networks are enough, since the checks exercise the shared base class.
ON_NUMBERS = [
    KimCNNOnNumbers(embedding_dim=16, n_filters=8, **_QUICK),
    RNNOnNumbers(embedding_dim=32, hidden_dim=32, pooling="max", **_QUICK),
    HANOnNumbers(min_count=1, embedding_dim=16, hidden_dim=8, **_QUICK),
]
SLOW_ON_NUMBERS = [
    CharCNNOnNumbers(max_length=123, learning_rate=3e-3, **_SURE),
    VDCNNOnNumbers(max_length=64, dense_dim=32, max_epochs=5, batch_size=32),
    WordCNNOnNumbers(max_length=123, embedding_dim=16, **_SURE_OF_WORDS),
]
