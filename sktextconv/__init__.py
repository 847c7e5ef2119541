"""Text classification with convolutional and recurrent networks, scikit-learn style."""

import importlib
import importlib.util

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
    ),
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
    "feature_extraction": ("NGramVectorizer",),
    "inspection": (
        "Attribution",
        "CharFiltersDisplay",
        "LearningRateRangeDisplay",
        "TextWeightsDisplay",
        "TrainingCurveDisplay",
        "explain",
    ),
    "networks": (
        "CharCNNClassifier",
        "HANClassifier",
        "KimCNNClassifier",
        "RNNClassifier",
        "VDCNNClassifier",
        "WordCNNClassifier",
    ),
    "persistence": (
        "ModelFormatError",
        "OnnxClassifier",
        "export_onnx",
        "load",
        "save",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])


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
