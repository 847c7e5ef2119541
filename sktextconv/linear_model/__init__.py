"""Linear classifiers for sparse features."""

from ._linear_svc import ProbabilisticLinearSVC
from ._logistic_regression import LogisticRegression

__all__ = ["LogisticRegression", "ProbabilisticLinearSVC"]
