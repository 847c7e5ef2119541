from ._attribution import (
    Attribution as Attribution,
    DeletionCurve as DeletionCurve,
    Span as Span,
)
from ._document_vectors import document_vectors as document_vectors
from ._explain import explain as explain
from ._plot import (
    CharFiltersDisplay as CharFiltersDisplay,
    LearningRateRangeDisplay as LearningRateRangeDisplay,
    TextWeightsDisplay as TextWeightsDisplay,
    TrainingCurveDisplay as TrainingCurveDisplay,
)
