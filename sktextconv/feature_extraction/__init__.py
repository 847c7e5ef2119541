"""Vectorizers and feature transformers for linear models."""

from ._bag_of_means import BagOfMeansVectorizer
from ._count_scaler import CountScaler
from ._hashed_ngrams import HashedNGramVectorizer
from ._log_count_ratio import LogCountRatio
from ._ngrams import NGramVectorizer

__all__ = [
    "BagOfMeansVectorizer",
    "CountScaler",
    "HashedNGramVectorizer",
    "LogCountRatio",
    "NGramVectorizer",
]
