"""Explanation of predictions, and plots of fitted classifiers."""

from ..utils._lazy_import import lazy_imports

# Public names by module; `__init__.pyi` lists them for type checkers. They are imported
# on first use: a server of an ONNX file must not import torch.
_HOMES = {
    "_attribution": ("Attribution", "DeletionCurve", "Span"),
    "_document_vectors": ("document_vectors",),
    "_explain": ("explain",),
    "_plot": (
        "CharFiltersDisplay",
        "LearningRateRangeDisplay",
        "TextWeightsDisplay",
        "TrainingCurveDisplay",
    ),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
