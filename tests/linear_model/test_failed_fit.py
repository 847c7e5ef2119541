"""A fit that fails leaves the model of the last one."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from sktextconv.feature_extraction import LogCountRatio
from sktextconv.linear_model import (
    LogisticRegression,
    NaiveBayesSVC,
    ProbabilisticLinearSVC,
)

ESTIMATORS = [
    LogisticRegression(max_iter=1, tol=1e-9),
    ProbabilisticLinearSVC(max_iter=1, tol=1e-9),
    ProbabilisticLinearSVC(max_iter=1, tol=1e-9, C="auto"),
    NaiveBayesSVC(max_iter=1, tol=1e-9),
    LogCountRatio(),
]
COUNTS = np.random.RandomState(0).randint(4, size=(60, 7)).astype(float)
LABELS = np.arange(60) % 2


def fail(estimator):
    """Fit other data, which fails after labels and features were read."""
    labels = np.array(["x", "y", "z"])[np.arange(60) % 3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ConvergenceWarning, ValueError)):
            estimator.fit(COUNTS[:, :5], labels)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_failed_fit_keeps_model(estimator):
    estimator = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(COUNTS, LABELS)
    before = pickle.dumps(estimator)
    fail(estimator)
    assert pickle.dumps(estimator) == before


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_failed_first_fit(estimator):
    estimator = clone(estimator)
    fail(estimator)
    assert vars(estimator) == vars(clone(estimator))
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
