"""Pictures of fitted classifiers, drawn with matplotlib when asked to."""

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
