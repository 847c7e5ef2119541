"""Text classification with convolutional and recurrent networks, scikit-learn style."""

from .augmentation import SynonymReplacer
from .baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from .datasets import fetch_text_dataset, load_docstrings, read_csv
from .display import LearningRateRangeDisplay, TrainingCurveDisplay
from .networks import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)
from .ngrams import NGramVectorizer
from .store import TextStore

__all__ = [
    "CharCNNClassifier",
    "HANClassifier",
    "KimCNNClassifier",
    "LearningRateRangeDisplay",
    "NGramVectorizer",
    "RNNClassifier",
    "SynonymReplacer",
    "TextStore",
    "TrainingCurveDisplay",
    "VDCNNClassifier",
    "WordCNNClassifier",
    "__version__",
    "fetch_text_dataset",
    "load_docstrings",
    "make_bag_of_means_classifier",
    "make_bow_classifier",
    "make_nb_ngram_classifier",
    "make_ngram_classifier",
    "read_csv",
]

__version__ = "0.1.0.dev0"
