"""Explanation of predictions, and plots of fitted classifiers."""

import importlib

__all__ = [
    "Attribution",
    "CharFiltersDisplay",
    "DeletionCurve",
    "LearningRateRangeDisplay",
    "Span",
    "TextWeightsDisplay",
    "TrainingCurveDisplay",
    "explain",
]

# Imported when a name is first used: a server of an ONNX file must not import torch.
_MODULES = {
    "Attribution": "_attribution",
    "CharFiltersDisplay": "_plot",
    "DeletionCurve": "_attribution",
    "LearningRateRangeDisplay": "_plot",
    "Span": "_attribution",
    "TextWeightsDisplay": "_plot",
    "TrainingCurveDisplay": "_plot",
    "explain": "_explain",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
