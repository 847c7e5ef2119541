"""Text classification with convolutional and recurrent networks, scikit-learn style."""

from .baselines import make_bow_classifier, make_ngram_classifier
from .datasets import fetch_text_dataset, load_docstrings, read_csv
from .display import TrainingCurveDisplay
from .networks import CharCNNClassifier
from .ngrams import NGramVectorizer

__all__ = [
    "CharCNNClassifier",
    "NGramVectorizer",
    "TrainingCurveDisplay",
    "__version__",
    "fetch_text_dataset",
    "load_docstrings",
    "make_bow_classifier",
    "make_ngram_classifier",
    "read_csv",
]

__version__ = "0.1.0.dev0"
