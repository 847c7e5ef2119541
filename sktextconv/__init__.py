"""Text classification with convolutional and recurrent networks, scikit-learn style."""

from .augmentation import SynonymReplacer
from .baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from .checking import check_text_classifier, parametrize_with_text_checks
from .datasets import fetch_text_dataset, load_docstrings, read_csv
from .display import (
    CharFiltersDisplay,
    LearningRateRangeDisplay,
    TextWeightsDisplay,
    TrainingCurveDisplay,
)
from .explain import Attribution, explain
from .networks import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)
from .ngrams import NGramVectorizer
from .persistence import ModelFormatError, load, save
from .store import TextStore

__all__ = [
    "Attribution",
    "CharCNNClassifier",
    "CharFiltersDisplay",
    "HANClassifier",
    "KimCNNClassifier",
    "LearningRateRangeDisplay",
    "ModelFormatError",
    "NGramVectorizer",
    "RNNClassifier",
    "SynonymReplacer",
    "TextStore",
    "TextWeightsDisplay",
    "TrainingCurveDisplay",
    "VDCNNClassifier",
    "WordCNNClassifier",
    "__version__",
    "check_text_classifier",
    "explain",
    "fetch_text_dataset",
    "load",
    "load_docstrings",
    "make_bag_of_means_classifier",
    "make_bow_classifier",
    "make_nb_ngram_classifier",
    "make_ngram_classifier",
    "parametrize_with_text_checks",
    "read_csv",
    "save",
]

__version__ = "0.1.0.dev0"
