"""Linear classifiers for sparse features."""

from ._linear_svc import ProbabilisticLinearSVC

__all__ = ["ProbabilisticLinearSVC"]
