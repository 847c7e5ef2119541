"""Linear classifiers for sparse features."""

from ._linear_svc import ProbabilisticLinearSVC
from ._logistic_regression import LogisticRegression
from ._naive_bayes_svc import NaiveBayesSVC

__all__ = [
    "LogisticRegression",
    "NaiveBayesSVC",
    "ProbabilisticLinearSVC",
]
