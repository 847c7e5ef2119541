"""Checks that a classifier of texts keeps scikit-learn's promises, for any of them.

The guide lists them, the checks of scikit-learn that each stands for, and those that
make no sense for texts.
"""

import dataclasses
import re
import warnings
from unittest import SkipTest

from sklearn import config_context

from . import (
    _fit,
    _inputs,
    _labels,
    _partial_fit,
    _predict,
    _sample_weight,
    _serialization,
)
from ._check import Check, checks_in, described
from ._fixtures import Subject
from ._sklearn_checks import REUSED

__all__ = ["CHECKS", "check_text_classifier", "parametrize_with_text_checks"]

# In this order they run.
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


def check_text_classifier(estimator, *, strict=False, expected_failed_checks=None):
    """Check that a classifier of texts keeps scikit-learn's promises.

    scikit-learn's `check_estimator` knows tables of numbers only: with an estimator of
    texts it runs one check and skips the others. This runs their variants for texts,
    and more: of containers of texts, seeds, weights, `partial_fit`, pickles. Which
    they are depends on what the classifier offers.

    Parameters
    ----------
    estimator : estimator instance
        A classifier that takes sequences of str, or a pipeline that ends in one.
        Clones of it are fitted some sixty times to two dozen short texts or fewer, so
        settings that make it small and quick are best.
    strict : bool, default=False
        Whether to ask for all that the classifiers of this package promise: the same
        bits where results must be the same, what is no text refused with the right
        type of error that says why, nothing of the training texts in the pickle.
    expected_failed_checks : dict of str to str, default=None
        Names of checks that may fail, each with the reason.

    Returns
    -------
    outcomes : dict of str to str
        For each check "passed", or "skipped: " or "failed as expected: " with the
        reason.

    Raises
    ------
    AssertionError
        If checks fail: a paragraph for each says what was expected, what came, and
        what to do.
    TypeError
        If `estimator` is a class.
    ValueError
        If `expected_failed_checks` names what is no check.

    See Also
    --------
    parametrize_with_text_checks : Each check as a test of pytest.

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
    expected = _known(expected_failed_checks)
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
    estimators, *, strict=False, expected_failed_checks=None
):
    """Make each check of each classifier of texts a test of pytest.

    Parameters
    ----------
    estimators : list of estimator instances
        Classifiers that take sequences of str. The checks of one share a fitted clone
        of it: do not change its parameters in the test.
    strict : bool, default=False
        As in `check_text_classifier`.
    expected_failed_checks : callable, default=None
        Takes an estimator and returns a dict of names of checks that fail to the
        reasons: these tests are marked xfail.

    Returns
    -------
    decorator : pytest.MarkDecorator
        For a test with the arguments `estimator` and `check`.

    Raises
    ------
    TypeError
        If an estimator is a class.
    ValueError
        If `expected_failed_checks` names what is no check.

    See Also
    --------
    check_text_classifier : All checks in one call.
    sklearn.utils.estimator_checks.parametrize_with_checks : The same for tables.

    Examples
    --------
    >>> from sktextconv import RNNClassifier, parametrize_with_text_checks
    >>> @parametrize_with_text_checks([RNNClassifier(max_epochs=2)])
    ... def test_keeps_the_promises_of_scikit_learn(estimator, check):
    ...     check(estimator)
    """
    import pytest

    cases = []
    for estimator in estimators:
        expected = _known(expected_failed_checks and expected_failed_checks(estimator))
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
    """A check of one classifier, which shares a fitted clone with its other checks."""

    check: Check
    subject: Subject

    @property
    def name(self):
        return self.check.name

    def __call__(self, estimator):
        """Run the check; raise `AssertionError` with sentences where it fails."""
        check, subject = self.check, self.subject
        if estimator is not subject.estimator:
            subject = Subject(estimator, strict=subject.strict)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check.function(subject)
        except SkipTest:
            raise
        except Exception as error:
            said = str(error) or "It does not hold."
            if not isinstance(error, AssertionError):
                got = described(error)
                said = f"Expected no error, got {got}. Mend it where it was raised."
            raise AssertionError(
                f"{subject} fails {check.name}: {check.promise} {said} {check.remedy}"
            ) from error


def bind(estimator, *, strict):
    """Return the checks of what `estimator` promises."""
    if isinstance(estimator, type):
        name = estimator.__name__
        raise TypeError(
            f"Expected an estimator, got the class {name}. Pass {name}() instead."
        )
    subject = Subject(estimator, strict=strict)
    offers = subject.offers
    return [
        BoundCheck(check, subject)
        for check in CHECKS
        if offers.issuperset(check.needs.split()) and (strict or not check.strict)
    ]


def _known(expected_failed_checks):
    expected = expected_failed_checks or {}
    unknown = expected.keys() - {check.name for check in CHECKS}
    if unknown:
        raise ValueError(
            "Expected names of checks in expected_failed_checks, got "
            f"{', '.join(map(repr, sorted(unknown)))}. The guide lists the names."
        )
    return expected
