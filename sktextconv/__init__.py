"""Text classification with convolutional and recurrent networks, scikit-learn style."""

import importlib
import importlib.util

__all__ = [
    "Attribution",
    "CharCNNClassifier",
    "CharFiltersDisplay",
    "HANClassifier",
    "KimCNNClassifier",
    "LearningRateRangeDisplay",
    "ModelFormatError",
    "NGramVectorizer",
    "OnnxClassifier",
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
    "export_onnx",
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

# Where each name is at home; `__init__.pyi` says it to type checkers. A module is
# imported once a name of it is used: what predicts without torch must not import it.
_HOMES = {
    "_kept": ("ModelFormatError",),
    "attribution": ("Attribution",),
    "augmentation": ("SynonymReplacer",),
    "baselines": (
        "make_bag_of_means_classifier",
        "make_bow_classifier",
        "make_nb_ngram_classifier",
        "make_ngram_classifier",
    ),
    "checking": (
        "check_text_classifier",
        "parametrize_with_text_checks",
    ),
    "datasets": (
        "fetch_text_dataset",
        "load_docstrings",
        "read_csv",
    ),
    "display": (
        "CharFiltersDisplay",
        "LearningRateRangeDisplay",
        "TextWeightsDisplay",
        "TrainingCurveDisplay",
    ),
    "explaining": ("explain",),
    "networks": (
        "CharCNNClassifier",
        "HANClassifier",
        "KimCNNClassifier",
        "RNNClassifier",
        "VDCNNClassifier",
        "WordCNNClassifier",
    ),
    "ngrams": ("NGramVectorizer",),
    "onnx": (
        "OnnxClassifier",
        "export_onnx",
    ),
    "persistence": (
        "load",
        "save",
    ),
    "store": ("TextStore",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name):
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    is_name = name.isidentifier() and not name.startswith("__")
    if is_name and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
