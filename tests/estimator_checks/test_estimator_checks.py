"""Tests of the estimator checks with reference, good and bad estimators."""

import ast
import sys
from unittest import SkipTest

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import _check_name, estimator_checks_generator
from sklearn.utils.fixes import parse_version

from sktextconv import check_text_classifier, parametrize_with_text_checks
from sktextconv.estimator_checks import CHECKS, bind
from sktextconv.estimator_checks._global_state import changed_names, generator_states
from sktextconv.estimator_checks._sklearn_checks import REUSED, WITHOUT_VARIANT

from ..bad_estimators import BAD_ESTIMATORS
from ..bad_estimators.fit import Prints, ReturnsNone
from ..bad_estimators.inputs import EncodesStrictly
from ..bad_estimators.predict import ReturnsErrorRate, ScalesProbabilities
from ..bad_estimators.serialization import CannotBePickled, RejectsProtocol2
from ..bad_estimators.sklearn_api import DefinesMoreTags
from ..conftest import REPOSITORY
from ..letter_classifier import LetterClassifier

_SKLEARN = parse_version(sklearn.__version__)

TFIDF = make_pipeline(TfidfVectorizer(), LogisticRegression())
NAMES = {check.name for check in CHECKS}
REPLACED = {name for check in CHECKS for name in check.replaces.split()}


def failures(estimator, *, strict):
    """Return the messages of the checks that fail, by name."""
    messages = {}
    for check in bind(estimator, strict=strict):
        try:
            check(estimator)
        except AssertionError as error:
            messages[check.name] = str(error)
        except SkipTest:
            pass
    return messages


# -- Good estimators ------------------------------------------------------------


@parametrize_with_text_checks([TFIDF])
def test_check_passes_for_tfidf_pipeline(estimator, check):
    """A pipeline of `TfidfVectorizer` and `LogisticRegression` passes each check."""
    check(estimator)


def test_strict_checks_pass_for_letter_classifier():
    """All checks run and pass for the strict reference classifier.

    The exceptions need a binary classifier and a number of epochs.
    """
    outcomes = check_text_classifier(LetterClassifier(), strict=True)
    assert set(outcomes.values()) == {"passed"}
    assert NAMES - outcomes.keys() == {"check_rejects_three_classes", "check_n_iter"}


OTHERS = [RidgeClassifier(), RandomForestClassifier(3), KNeighborsClassifier()]


@pytest.mark.parametrize("last", OTHERS, ids=repr)
def test_checks_of_absent_methods_do_not_run(last):
    """Checks that need `predict_proba` or `decision_function` run only if it exists."""
    outcomes = check_text_classifier(make_pipeline(TfidfVectorizer(), last))
    assert set(outcomes.values()) == {"passed"}
    for method in ("predict_proba", "decision_function"):
        needing = {check.name for check in CHECKS if method in check.needs}
        assert hasattr(last, method) or not outcomes.keys() & needing


def test_strict_checks_fail_for_tfidf_pipeline():
    """Strict checks require more than a pipeline of scikit-learn provides."""
    messages = failures(TFIDF, strict=True)
    assert messages.keys() >= {
        "check_rejects_missing_texts",  # raises AttributeError
        "check_rejects_other_iterables",  # raises nothing
        "check_pyarrow_texts",
    }


def test_checks_leave_estimator_and_generators_alone():
    """Checks change neither the estimator nor the global generators."""
    estimator = LetterClassifier(random_state=5)
    before = vars(estimator).copy()
    changed = changed_names(generator_states, lambda: check_text_classifier(estimator))
    assert changed == []
    assert vars(estimator) == before


# -- Bad estimators -------------------------------------------------------------


@pytest.mark.parametrize("cls", BAD_ESTIMATORS, ids=lambda cls: cls.__name__)
def test_bad_estimator_fails_its_checks_only(cls):
    """A bad estimator fails the checks in `fails`, with a message of four parts."""
    messages = failures(cls(), strict=True)
    if cls is DefinesMoreTags and parse_version("1.7") > _SKLEARN:
        # scikit-learn before 1.7 warns about `_more_tags`; later releases ignore it.
        del messages["check_read_only_data_fit_without_a_warning"]
    assert sorted(messages) == sorted(cls.fails.split())
    for name, message in messages.items():
        (check,) = (check for check in CHECKS if check.name == name)
        assert message.startswith(f"{cls.__name__} fails {name}: {check.description} ")
        assert message.endswith(check.hint)
        assert name in REPLACED or "Expected " in message


def test_each_check_fails_for_a_bad_estimator():
    """Each check fails for some bad estimator, except for three of scikit-learn.

    An estimator that fails one of the three would fail all other checks, too.
    """
    failed = {name for cls in BAD_ESTIMATORS for name in cls.fails.split()}
    assert NAMES - failed == {
        "check_estimator_cloneable",
        "check_mixin_order",
        "check_get_params_invariance",
    }


# -- check_text_classifier and parametrize_with_text_checks ---------------------


def test_check_text_classifier_reports_all_failures():
    """The error has one paragraph for each failed check."""
    with pytest.raises(AssertionError) as caught:
        check_text_classifier(ScalesProbabilities())
    first, second = str(caught.value).split("\n\n")
    assert first.startswith("ScalesProbabilities fails check_probabilities: ")
    assert "Expected rows that sum to 1, got 0.9 to 0.9. Use scipy" in first
    assert second.startswith("ScalesProbabilities fails check_log_probabilities: ")


def test_check_fails_if_the_estimator_raises():
    """An unexpected error of the estimator is a failed check, not an error."""
    messages = failures(EncodesStrictly(), strict=False)
    message = messages.popitem()[1]
    assert "Expected no error, got UnicodeEncodeError: 'utf-8'" in message


def test_expected_failures_have_their_reasons():
    """The outcome of an expected failure contains the reason given for it."""
    expected = {"check_pickle": "protocol 2 is old", "check_deepcopy": "not needed"}
    outcomes = check_text_classifier(
        RejectsProtocol2(), expected_failed_checks=expected
    )
    assert outcomes["check_pickle"] == "failed as expected: protocol 2 is old"
    assert outcomes["check_deepcopy"] == "passed"


# The option xfail_strict of pytest makes a check that passes a failed test.
@parametrize_with_text_checks(
    [ReturnsErrorRate(), Prints()],
    expected_failed_checks=lambda estimator: dict.fromkeys(
        estimator.fails.split(), "bad estimator"
    ),
)
def test_expected_failures_are_marked_xfail(estimator, check):
    """`expected_failed_checks` marks the tests of these checks as xfail."""
    check(estimator)


def test_parametrize_names_each_check():
    """Test ids are unique and consist of the estimator and the name of the check."""
    decorator = parametrize_with_text_checks([LetterClassifier(scale=9.0), TFIDF])
    names, cases = decorator.args
    assert names == ("estimator", "check")
    assert cases[0].id == "LetterClassifier(scale=9.0)-check_estimator_cloneable"
    assert len({case.id for case in cases}) == len(cases)


def test_bound_check_accepts_another_estimator():
    """A check that is bound to one estimator can run on another one."""
    (check,) = (
        check
        for check in bind(LetterClassifier(), strict=False)
        if check.name == "check_fit_returns_self"
    )
    check(LetterClassifier())
    with pytest.raises(AssertionError, match="ReturnsNone fails"):
        check(ReturnsNone())


def test_unknown_check_names_raise():
    """Unknown names in `expected_failed_checks` raise `ValueError`."""
    expected = {"check_speling": "a typo"}
    with pytest.raises(ValueError, match=r"names of checks .* got 'check_speling'"):
        check_text_classifier(LetterClassifier(), expected_failed_checks=expected)
    with pytest.raises(ValueError, match="names of checks"):
        parametrize_with_text_checks([TFIDF], expected_failed_checks=lambda _: expected)


def test_class_instead_of_instance_raises():
    """A class instead of an instance raises `TypeError` with the correct call."""
    with pytest.raises(TypeError, match=r"Pass LetterClassifier\(\) instead"):
        check_text_classifier(LetterClassifier)
    with pytest.raises(TypeError, match="got the class LetterClassifier"):
        parametrize_with_text_checks([LetterClassifier])


@pytest.mark.parametrize("package", ["pandas", "polars", "pyarrow"])
def test_missing_package_skips_check(monkeypatch, package):
    """The check of a package that is not installed is skipped with the reason."""
    checks = {check.name: check for check in bind(LetterClassifier(), strict=True)}
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SkipTest, match=f"{package} is not installed"):
        checks[f"check_{package}_texts"](LetterClassifier())


def test_skipped_checks_have_their_reasons():
    """The outcome of a skipped check contains the reason."""
    expected = dict.fromkeys(CannotBePickled.fails.split(), "a lambda")
    outcomes = check_text_classifier(CannotBePickled(), expected_failed_checks=expected)
    outcome = outcomes["check_prediction_changes_nothing"]
    assert outcome.startswith("skipped: attributes cannot be pickled (")


# -- Checks of scikit-learn -----------------------------------------------------


def test_sklearn_checks_have_a_variant_or_a_reason():
    """Each check of scikit-learn is replaced, or `WITHOUT_VARIANT` gives a reason."""
    names = {
        _check_name(check)
        for estimator in (SGDClassifier(), RandomForestClassifier())
        for _, check in estimator_checks_generator(estimator)
    }
    assert names <= REPLACED | WITHOUT_VARIANT.keys()
    assert not REPLACED & WITHOUT_VARIANT.keys()


def test_reused_checks_replace_themselves():
    """The eleven checks of scikit-learn that need no data are reused unchanged."""
    assert len(REUSED) == 11
    assert all(check.replaces == check.name for check in REUSED)


def test_checks_have_description_and_hint():
    """Names are unique; descriptions and hints are single lines that end in a stop."""
    assert len(NAMES) == len(CHECKS)
    for check in CHECKS:
        assert check.name.startswith("check_")
        assert "\n" not in check.description
        assert check.description.endswith(".")
        assert check.hint.endswith(".")


@pytest.mark.parametrize(
    "path",
    sorted((REPOSITORY / "sktextconv/estimator_checks").glob("*.py")),
    ids=lambda p: p.stem,
)
def test_check_modules_import_no_optional_package(path):
    """The modules import optional packages, pytest and torch only in functions."""
    for node in ast.parse(path.read_text()).body:
        names = [alias.name for alias in getattr(node, "names", ())]
        module = getattr(node, "module", None) or ""
        packages = {name.partition(".")[0] for name in [*names, module]}
        assert not packages & {"torch", "pytest", "pandas", "polars", "pyarrow"}
        assert "estimator_checks" not in [module.rpartition(".")[2], *names]


def test_require_equal_tolerance():
    """Floats must be equal within 1e-7, or bit for bit if strict."""
    lenient = bind(LetterClassifier(), strict=False)[0].under_test
    strict = bind(LetterClassifier(), strict=True)[0].under_test
    one, other = np.array([0.5]), np.array([0.5 + 1e-9])
    lenient.require_equal(one, other, "the same")
    with pytest.raises(AssertionError, match="bit for bit, got a difference of 1e-09"):
        strict.require_equal(one, other, "the same")
    with pytest.raises(AssertionError, match=r"got shape \(1,\)"):
        lenient.require_equal(one, np.ones(2), "the same")
