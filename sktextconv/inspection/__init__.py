"""Explanation of predictions, and plots of fitted classifiers."""

from ._attribution import Attribution, DeletionCurve, Span
from ._explain import explain
from ._plot import (
    CharFiltersDisplay,
    LearningRateRangeDisplay,
    TextWeightsDisplay,
    TrainingCurveDisplay,
)

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
