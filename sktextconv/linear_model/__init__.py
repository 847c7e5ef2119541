"""Linear classifiers for sparse features."""

from ._linear_svc import ProbabilisticLinearSVC
from ._logistic_regression import LogisticRegression
from ._naive_bayes_regression import NaiveBayesLogisticRegression

__all__ = [
    "LogisticRegression",
    "NaiveBayesLogisticRegression",
    "ProbabilisticLinearSVC",
]
