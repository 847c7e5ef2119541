"""Checks of the scikit-learn API for text classifiers.

The user guide lists the checks, the checks of scikit-learn that they replace, and the
checks of scikit-learn that do not apply to texts.
"""

import dataclasses
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from unittest import SkipTest

from sklearn import config_context
from sklearn.base import BaseEstimator

from . import (
    _fit,
    _inputs,
    _labels,
    _partial_fit,
    _predict,
    _sample_weight,
    _serialization,
)
from ._check import Check, checks_in, describe_error
from ._fixtures import EstimatorUnderTest
from ._sklearn_checks import REUSED

__all__ = ["CHECKS", "check_text_classifier", "parametrize_with_text_checks"]

# The checks run in this order.
_MODULES = (
    _fit,
    _inputs,
    _labels,
    _sample_weight,
    _predict,
    _partial_fit,
    _serialization,
)
CHECKS = [*REUSED, *(check for module in _MODULES for check in checks_in(module))]


def check_text_classifier(
    estimator: BaseEstimator,
    *,
    strict: bool = False,
    expected_failed_checks: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Check that a text classifier follows the API of scikit-learn.

    scikit-learn's `check_estimator` generates tables of numbers: on a text classifier
    it runs a single check and skips the others. This function runs variants of these
    checks for texts and further checks of containers, seeds, weights, `partial_fit`
    and pickling. It runs only the checks of features that the classifier has.

    Parameters
    ----------
    estimator : estimator instance
        Classifier that accepts sequences of str, or a pipeline that ends in one.
        Clones of it are fitted about sixty times to about two dozen short texts:
        choose parameters that make fitting fast.
    strict : bool, default=False
        Whether to add the requirements that the classifiers of this package meet:
        equal results are equal bit for bit, invalid texts raise the right type of
        error with a message that gives the reason, and pickles contain no training
        texts.
    expected_failed_checks : dict of str to str, default=None
        Names of the checks that may fail, each with the reason.

    Returns
    -------
    outcomes : dict of str to str
        The outcome of each check that ran: "passed", or "skipped: " or "failed as
        expected: " followed by the reason.

    Raises
    ------
    AssertionError
        If checks fail. The message has one paragraph for each failed check with the
        expected and the actual behavior and a hint.
    TypeError
        If `estimator` is a class.
    ValueError
        If `expected_failed_checks` contains an unknown name.

    See Also
    --------
    parametrize_with_text_checks : The same checks, each as a test of pytest.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktextconv import check_text_classifier
    >>> classifier = make_pipeline(TfidfVectorizer(), LogisticRegression())
    >>> outcomes = check_text_classifier(classifier)
    >>> outcomes["check_same_seed_same_model"]
    'passed'
    """
    expected = _validate_names(expected_failed_checks)
    outcomes, failures = {}, []
    for check in bind(estimator, strict=strict):
        reason = expected.get(check.name)
        try:
            check(estimator)
        except SkipTest as skipped:
            outcomes[check.name] = f"skipped: {skipped}"
        except AssertionError as failure:
            outcomes[check.name] = f"failed as expected: {reason}"
            if reason is None:
                failures.append(failure)
        else:
            outcomes[check.name] = "passed"
    if failures:
        raise AssertionError("\n\n".join(map(str, failures))) from failures[0]
    return outcomes


def parametrize_with_text_checks(
    estimators: Iterable[BaseEstimator],
    *,
    strict: bool = False,
    expected_failed_checks: Mapping[str, str] | None = None,
) -> Callable:
    """Parametrize a pytest test with the checks of text classifiers.

    Parameters
    ----------
    estimators : list of estimator instances
        Classifiers that accept sequences of str. The checks of a classifier share a
        fitted clone of it: do not change its parameters in the test.
    strict : bool, default=False
        As in `check_text_classifier`.
    expected_failed_checks : callable, default=None
        Takes an estimator and returns a dict from the names of the checks that may
        fail to the reasons. These tests are marked as xfail.

    Returns
    -------
    decorator : pytest.MarkDecorator
        Decorator for a test with the arguments `estimator` and `check`.

    Raises
    ------
    TypeError
        If an estimator is a class.
    ValueError
        If `expected_failed_checks` contains an unknown name.

    See Also
    --------
    check_text_classifier : The same checks in one call.
    sklearn.utils.estimator_checks.parametrize_with_checks : Checks of
        estimators of numeric tables.

    Examples
    --------
    >>> from sktextconv import RNNClassifier, parametrize_with_text_checks
    >>> @parametrize_with_text_checks([RNNClassifier(max_epochs=2)])
    ... def test_scikit_learn_api(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        expected = _validate_names(
            expected_failed_checks and expected_failed_checks(estimator)
        )
        checks = bind(estimator, strict=strict)
        with config_context(print_changed_only=True):
            settings = re.sub(r"\s", "", repr(estimator))
        for check in checks:
            reason = expected.get(check.name)
            mark = pytest.mark.xfail(raises=AssertionError, reason=reason)
            case = pytest.param(
                estimator,
                check,
                id=f"{settings}-{check.name}",
                marks=() if reason is None else mark,
            )
            cases.append(case)
    return pytest.mark.parametrize(("estimator", "check"), cases)


@dataclasses.dataclass(frozen=True)
class BoundCheck:
    """Check of one estimator, which shares a fitted clone with its other checks."""

    check: Check
    under_test: EstimatorUnderTest

    @property
    def name(self):
        return self.check.name

    def __call__(self, estimator):
        """Run the check; raise `AssertionError` with a full message if it fails."""
        check, under_test = self.check, self.under_test
        if estimator is not under_test.estimator:
            under_test = EstimatorUnderTest(estimator, strict=under_test.strict)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check.function(under_test)
        except SkipTest:
            raise
        except Exception as error:
            message = str(error) or "The condition is false."
            if not isinstance(error, AssertionError):
                got = describe_error(error)
                message = f"Expected no error, got {got}. Fix it where it is raised."
            raise AssertionError(
                f"{under_test} fails {check.name}: {check.description} {message} "
                f"{check.hint}"
            ) from error


def bind(estimator, *, strict):
    """Return the checks that apply to `estimator`, bound to it."""
    if isinstance(estimator, type):
        name = estimator.__name__
        raise TypeError(
            f"Expected an estimator, got the class {name}. Pass {name}() instead."
        )
    under_test = EstimatorUnderTest(estimator, strict=strict)
    capabilities = under_test.capabilities
    return [
        BoundCheck(check, under_test)
        for check in CHECKS
        if capabilities.issuperset(check.needs.split()) and (strict or not check.strict)
    ]


def _validate_names(expected_failed_checks):
    """Return the dict, empty for None; raise `ValueError` for unknown names."""
    expected = expected_failed_checks or {}
    unknown = expected.keys() - {check.name for check in CHECKS}
    if unknown:
        raise ValueError(
            "Expected names of checks in expected_failed_checks, got "
            f"{', '.join(map(repr, sorted(unknown)))}. The user guide lists the names."
        )
    return expected
