"""Text classification with convolutional and recurrent networks, scikit-learn style."""

from .utils._lazy_import import lazy_imports

__version__ = "0.1.0.dev0"

# Public names by package; `__init__.pyi` lists them for type checkers. A package is
# imported when a name of it is first used: predicting from ONNX must not import torch.
_HOMES = {
    "augmentation": ("SynonymReplacer",),
    "baselines": (
        "make_bag_of_means_classifier",
        "make_bow_classifier",
        "make_nb_ngram_classifier",
        "make_ngram_classifier",
        "make_tfidf_classifier",
    ),
    "comparison": ("Comparison", "ComparisonDisplay", "compare"),
    "datasets": (
        "TextStore",
        "fetch_text_dataset",
        "load_docstrings",
        "read_csv",
    ),
    "estimator_checks": (
        "check_text_classifier",
        "parametrize_with_text_checks",
    ),
    "feature_extraction": ("HashedNGramVectorizer", "NGramVectorizer"),
    "inspection": (
        "Attribution",
        "CharFiltersDisplay",
        "LearningRateRangeDisplay",
        "TextWeightsDisplay",
        "TrainingCurveDisplay",
        "document_vectors",
        "explain",
    ),
    "networks": (
        "CharCNNClassifier",
        "CharCRNNClassifier",
        "DPCNNClassifier",
        "FastTextClassifier",
        "HANClassifier",
        "KimCNNClassifier",
        "RNNClassifier",
        "VDCNNClassifier",
        "WordCNNClassifier",
    ),
    "online": ("OnlineNGramClassifier",),
    "persistence": (
        "ModelFormatError",
        "OnnxClassifier",
        "export_onnx",
        "load",
        "save",
    ),
}

__all__ = sorted(
    ["__version__", *(name for names in _HOMES.values() for name in names)]
)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
