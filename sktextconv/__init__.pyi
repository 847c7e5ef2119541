from .augmentation import SynonymReplacer as SynonymReplacer
from .baselines import make_bag_of_means_classifier as make_bag_of_means_classifier
from .baselines import make_bow_classifier as make_bow_classifier
from .baselines import make_nb_ngram_classifier as make_nb_ngram_classifier
from .baselines import make_ngram_classifier as make_ngram_classifier
from .datasets import TextStore as TextStore
from .datasets import fetch_text_dataset as fetch_text_dataset
from .datasets import load_docstrings as load_docstrings
from .datasets import read_csv as read_csv
from .estimator_checks import check_text_classifier as check_text_classifier
from .estimator_checks import (
    parametrize_with_text_checks as parametrize_with_text_checks,
)
from .feature_extraction import NGramVectorizer as NGramVectorizer
from .inspection import Attribution as Attribution
from .inspection import CharFiltersDisplay as CharFiltersDisplay
from .inspection import LearningRateRangeDisplay as LearningRateRangeDisplay
from .inspection import TextWeightsDisplay as TextWeightsDisplay
from .inspection import TrainingCurveDisplay as TrainingCurveDisplay
from .inspection import explain as explain
from .networks import CharCNNClassifier as CharCNNClassifier
from .networks import HANClassifier as HANClassifier
from .networks import KimCNNClassifier as KimCNNClassifier
from .networks import RNNClassifier as RNNClassifier
from .networks import VDCNNClassifier as VDCNNClassifier
from .networks import WordCNNClassifier as WordCNNClassifier
from .persistence import ModelFormatError as ModelFormatError
from .persistence import OnnxClassifier as OnnxClassifier
from .persistence import export_onnx as export_onnx
from .persistence import load as load
from .persistence import save as save

__version__: str
