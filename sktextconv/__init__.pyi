from .augmentation import SynonymReplacer as SynonymReplacer
from .baselines import (
    make_bag_of_means_classifier as make_bag_of_means_classifier,
    make_bow_classifier as make_bow_classifier,
    make_nb_ngram_classifier as make_nb_ngram_classifier,
    make_ngram_classifier as make_ngram_classifier,
    make_tfidf_classifier as make_tfidf_classifier,
)
from .comparison import (
    Comparison as Comparison,
    ComparisonDisplay as ComparisonDisplay,
    compare as compare,
)
from .datasets import (
    TextStore as TextStore,
    fetch_text_dataset as fetch_text_dataset,
    load_docstrings as load_docstrings,
    read_csv as read_csv,
)
from .estimator_checks import (
    check_text_classifier as check_text_classifier,
    parametrize_with_text_checks as parametrize_with_text_checks,
)
from .feature_extraction import (
    HashedNGramVectorizer as HashedNGramVectorizer,
    NGramVectorizer as NGramVectorizer,
)
from .inspection import (
    Attribution as Attribution,
    CharFiltersDisplay as CharFiltersDisplay,
    LearningRateRangeDisplay as LearningRateRangeDisplay,
    TextWeightsDisplay as TextWeightsDisplay,
    TrainingCurveDisplay as TrainingCurveDisplay,
    document_vectors as document_vectors,
    explain as explain,
)
from .networks import (
    CharCNNClassifier as CharCNNClassifier,
    CharCRNNClassifier as CharCRNNClassifier,
    DPCNNClassifier as DPCNNClassifier,
    FastTextClassifier as FastTextClassifier,
    HANClassifier as HANClassifier,
    KimCNNClassifier as KimCNNClassifier,
    RNNClassifier as RNNClassifier,
    VDCNNClassifier as VDCNNClassifier,
    WordCNNClassifier as WordCNNClassifier,
)
from .online import OnlineNGramClassifier as OnlineNGramClassifier
from .persistence import (
    ModelFormatError as ModelFormatError,
    OnnxClassifier as OnnxClassifier,
    export_onnx as export_onnx,
    load as load,
    save as save,
)

__version__: str
