"""The check-suite passes what keeps the promises, and names each promise broken."""

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

from .. import bad_estimators
from ..conftest import REPOSITORY
from ..letter_classifier import LetterClassifier

_SKLEARN = parse_version(sklearn.__version__)

TFIDF = make_pipeline(TfidfVectorizer(), LogisticRegression())
BAD_ESTIMATORS = [
    cls for cls in vars(bad_estimators).values() if hasattr(cls, "breaks")
]
REPLACED = {name for check in CHECKS for name in check.replaces.split()}
NAMES = {check.name for check in CHECKS}


def failures(estimator, *, strict):
    """Return what each check that fails says, by its name."""
    said = {}
    for check in bind(estimator, strict=strict):
        try:
            check(estimator)
        except AssertionError as error:
            said[check.name] = str(error)
        except SkipTest:
            pass
    return said


# -- those that keep the promises -------------------------------------------------


@parametrize_with_text_checks([TFIDF])
def test_tfidf_with_logistic_regression_keeps_the_promises(estimator, check):
    check(estimator)


def test_every_check_of_a_strict_classifier_runs_and_passes():
    outcomes = check_text_classifier(LetterClassifier(), strict=True)
    assert set(outcomes.values()) == {"passed"}
    # It takes several classes, in one pass.
    assert NAMES - outcomes.keys() == {"check_rejects_three_classes", "check_n_iter"}


OTHERS = [RidgeClassifier(), RandomForestClassifier(3), KNeighborsClassifier()]


@pytest.mark.parametrize("last", OTHERS, ids=repr)
def test_what_a_classifier_does_not_offer_is_not_asked_of_it(last):
    outcomes = check_text_classifier(make_pipeline(TfidfVectorizer(), last))
    assert set(outcomes.values()) == {"passed"}
    for method in ("predict_proba", "decision_function"):
        asked = {check.name for check in CHECKS if method in check.needs}
        assert hasattr(last, method) or not outcomes.keys() & asked


def test_strict_asks_more_of_a_pipeline_than_scikit_learn_promises():
    said = failures(TFIDF, strict=True)
    assert said.keys() >= {
        "check_rejects_missing_texts",  # AttributeError
        "check_rejects_other_iterables",  # accepted
        "check_pyarrow_texts",
    }


def test_the_estimator_and_the_global_generators_are_left_alone():
    estimator = LetterClassifier(random_state=5)
    before = vars(estimator).copy()
    assert (
        changed_names(generator_states, lambda: check_text_classifier(estimator)) == []
    )
    assert vars(estimator) == before


# -- those that break one -----------------------------------------------------------


@pytest.mark.parametrize("bad_estimator", BAD_ESTIMATORS, ids=lambda cls: cls.__name__)
def test_a_broken_promise_fails_its_checks_and_no_other(bad_estimator):
    said = failures(bad_estimator(), strict=True)
    if bad_estimator is bad_estimators.HasTagsOfOld and parse_version("1.7") > _SKLEARN:
        # It warns of such tags where later releases pass over them.
        del said["check_read_only_data_fit_without_a_warning"]
    assert sorted(said) == sorted(bad_estimator.breaks.split())
    for name, sentence in said.items():
        (check,) = (check for check in CHECKS if check.name == name)
        assert sentence.startswith(
            f"{bad_estimator.__name__} fails {name}: {check.description} "
        )
        assert sentence.endswith(check.hint)
        assert name in REPLACED or "Expected " in sentence


def test_every_check_is_failed_by_some_classifier():
    broken = {
        name
        for bad_estimator in BAD_ESTIMATORS
        for name in bad_estimator.breaks.split()
    }
    # scikit-learn's own: what they refuse would fail every other check as well.
    theirs = {
        "check_estimator_cloneable",
        "check_mixin_order",
        "check_get_params_invariance",
    }
    assert NAMES - broken == theirs


# -- the two functions --------------------------------------------------------------


def test_all_failures_are_told_at_once():
    with pytest.raises(AssertionError) as caught:
        check_text_classifier(bad_estimators.SumsToNineTenths())
    first, second = str(caught.value).split("\n\n")
    assert first.startswith("SumsToNineTenths fails check_probabilities: ")
    assert "Expected rows that sum to 1, got 0.9 to 0.9. Use scipy" in first
    assert second.startswith("SumsToNineTenths fails check_log_probabilities: ")


def test_an_error_in_the_estimator_is_a_failed_check():
    said = failures(bad_estimators.EncodesTexts(), strict=False)
    assert "Expected no error, got UnicodeEncodeError: 'utf-8'" in said.popitem()[1]


def test_expected_failures_are_told_with_their_reasons():
    expected = {"check_pickle": "protocol 2 is old", "check_deepcopy": "not needed"}
    outcomes = check_text_classifier(
        bad_estimators.PicklesLate(), expected_failed_checks=expected
    )
    assert outcomes["check_pickle"] == "failed as expected: protocol 2 is old"
    assert outcomes["check_deepcopy"] == "passed"


# With xfail_strict, a check that passed would fail here.
@parametrize_with_text_checks(
    [bad_estimators.ScoresErrors(), bad_estimators.Prints()],
    expected_failed_checks=lambda estimator: dict.fromkeys(
        estimator.breaks.split(), "broken on purpose"
    ),
)
def test_expected_failures_are_marked_xfail(estimator, check):
    check(estimator)


def test_each_check_is_a_named_test():
    decorator = parametrize_with_text_checks([LetterClassifier(scale=9.0), TFIDF])
    names, cases = decorator.args
    assert names == ("estimator", "check")
    assert cases[0].id == "LetterClassifier(scale=9.0)-check_estimator_cloneable"
    assert len({case.id for case in cases}) == len(cases)


def test_a_check_takes_another_estimator_than_it_was_made_for():
    (check,) = (
        check
        for check in bind(LetterClassifier(), strict=False)
        if check.name == "check_fit_returns_self"
    )
    check(LetterClassifier())
    with pytest.raises(AssertionError, match="ReturnsNothing fails"):
        check(bad_estimators.ReturnsNothing())


def test_unknown_names_of_checks_are_refused():
    expected = {"check_speling": "a slip"}
    with pytest.raises(ValueError, match=r"names of checks .* got 'check_speling'"):
        check_text_classifier(LetterClassifier(), expected_failed_checks=expected)
    with pytest.raises(ValueError, match="names of checks"):
        parametrize_with_text_checks([TFIDF], expected_failed_checks=lambda _: expected)


def test_a_class_is_refused():
    with pytest.raises(TypeError, match=r"Pass LetterClassifier\(\) instead"):
        check_text_classifier(LetterClassifier)
    with pytest.raises(TypeError, match="got the class LetterClassifier"):
        parametrize_with_text_checks([LetterClassifier])


@pytest.mark.parametrize("package", ["pandas", "polars", "pyarrow"])
def test_what_is_not_installed_is_skipped_with_the_reason(monkeypatch, package):
    checks = {check.name: check for check in bind(LetterClassifier(), strict=True)}
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SkipTest, match=f"{package} is not installed"):
        checks[f"check_{package}_texts"](LetterClassifier())


def test_skipped_checks_are_told_with_the_reason():
    expected = dict.fromkeys(
        bad_estimators.CannotBePickled.breaks.split(), "a function"
    )
    outcomes = check_text_classifier(
        bad_estimators.CannotBePickled(), expected_failed_checks=expected
    )
    told = outcomes["check_prediction_changes_nothing"]
    assert told.startswith("skipped: attributes cannot be pickled (")


# -- scikit-learn's list --------------------------------------------------------------


def test_every_check_of_scikit_learn_has_a_variant_or_a_reason():
    theirs = {
        _check_name(check)
        for estimator in (SGDClassifier(), RandomForestClassifier())
        for _, check in estimator_checks_generator(estimator)
    }
    assert theirs <= REPLACED | WITHOUT_VARIANT.keys()
    assert not REPLACED & WITHOUT_VARIANT.keys()


def test_checks_without_data_are_scikit_learns_own():
    assert len(REUSED) == 11
    assert all(check.replaces == check.name for check in REUSED)


def test_every_check_states_its_promise_and_the_remedy_in_sentences():
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
def test_checks_import_neither_torch_nor_pytest_when_loaded(path):
    for node in ast.parse(path.read_text()).body:
        names = [alias.name for alias in getattr(node, "names", ())]
        module = getattr(node, "module", None) or ""
        packages = {name.partition(".")[0] for name in [*names, module]}
        assert not packages & {"torch", "pytest", "pandas", "polars", "pyarrow"}
        assert "estimator_checks" not in [module.rpartition(".")[2], *names]


def test_scores_are_compared_as_the_tier_says():
    under_test = bind(LetterClassifier(), strict=False)[0].under_test
    strict = bind(LetterClassifier(), strict=True)[0].under_test
    one, other = np.array([0.5]), np.array([0.5 + 1e-9])
    under_test.require_equal(one, other, "the same")
    with pytest.raises(AssertionError, match="bit for bit, got a difference of 1e-09"):
        strict.require_equal(one, other, "the same")
    with pytest.raises(AssertionError, match=r"got shape \(1,\)"):
        under_test.require_equal(one, np.ones(2), "the same")
