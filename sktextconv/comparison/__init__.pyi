from ._cell import Cell as Cell
from ._compare import compare as compare
from ._comparison import Comparison as Comparison
from ._display import ComparisonDisplay as ComparisonDisplay
from ._results import (
    Curve as Curve,
    Left as Left,
    Result as Result,
    TextErrors as TextErrors,
)
from ._statistics import Difference as Difference, Estimate as Estimate
