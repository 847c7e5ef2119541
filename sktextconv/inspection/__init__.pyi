from ._attribution import Attribution as Attribution
from ._attribution import DeletionCurve as DeletionCurve
from ._attribution import Span as Span
from ._explain import explain as explain
from ._plot import CharFiltersDisplay as CharFiltersDisplay
from ._plot import LearningRateRangeDisplay as LearningRateRangeDisplay
from ._plot import TextWeightsDisplay as TextWeightsDisplay
from ._plot import TrainingCurveDisplay as TrainingCurveDisplay
