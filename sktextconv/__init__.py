"""Text classification with convolutional and recurrent networks, scikit-learn style."""

# ruff: noqa: F403, F405
import importlib
import sys
import types
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._public import *
else:

    def __getattr__(name):
        # PyTorch takes seconds, for which the help of a command cannot wait.
        if name in __all__:
            value = getattr(importlib.import_module("._public", __name__), name)
            globals()[name] = value
            return value
        is_name = name.isidentifier() and not name.startswith("__")
        if is_name and find_spec(f"{__name__}.{name}") is not None:
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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


def __dir__():
    return sorted({*globals(), *__all__})


class _Package(types.ModuleType):
    def __setattr__(self, name, value):
        # Whoever imports the module `explain` does not take the function from us.
        if name not in __all__ or not isinstance(value, types.ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
