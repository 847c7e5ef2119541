"""Displays of fitted classifiers, drawn with matplotlib."""

from .char_filters import CharFiltersDisplay
from .learning_rate import LearningRateRangeDisplay
from .text_weights import TextWeightsDisplay
from .training_curve import TrainingCurveDisplay

__all__ = [
    "CharFiltersDisplay",
    "LearningRateRangeDisplay",
    "TextWeightsDisplay",
    "TrainingCurveDisplay",
]
