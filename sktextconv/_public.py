"""Where each public name lives; `sktextconv` looks here once one is asked for."""

# ruff: noqa: F401
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
