"""Promises about parameters, about `fit`, and about what a process shares."""

import contextlib
import copy
import inspect
import warnings
from functools import partial

import joblib
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from ._check import check, require, require_raises
from ._fixtures import METHODS, corpus
from ._global_state import (
    advanced_generators,
    changed_names,
    generator_states,
    global_settings,
)

FROM_SCRATCH = (
    "Set every fitted attribute anew in fit, from the parameters and data alone."
)
OF_ITS_OWN = "Draw from check_random_state(self.random_state), made in each fit."


@check("Inherit from ClassifierMixin, before BaseEstimator.")
def check_is_a_classifier(under_test):
    """scikit-learn takes it for a classifier."""
    require(is_classifier(under_test.new()), "is_classifier to be true", "false")


@check(
    "Write fit(self, X, y), if need be with y=None.",
    replaces="check_fit_score_takes_y",
)
def check_takes_texts_then_labels(under_test):
    """`fit`, `partial_fit` and `score` take `X`, then `y`."""
    for method in ("fit", "partial_fit", "score"):
        if hasattr(under_test.estimator, method):
            names = [
                *inspect.signature(getattr(under_test.estimator, method)).parameters
            ]
            require(names[1:2] == ["y"], f"y as second argument of {method}", names)


@check("End fit with `return self`.", replaces="check_estimators_fit_returns_self")
def check_fit_returns_self(under_test):
    """`fit` returns the estimator."""
    first = under_test.first_fit()
    same = first.returned is first.estimator
    require(same, "fit to return the estimator itself", type(first.returned).__name__)


@check(
    "Keep what fit derives from a parameter in an attribute that ends in '_'.",
    replaces="check_estimators_overwrite_params check_dont_overwrite_parameters",
)
def check_fit_keeps_parameters(under_test):
    """`fit` changes no parameter, nor what is in it."""
    after = clone(under_test.fitted()).get_params()
    for name, value in _plain(under_test.new().get_params()).items():
        same = joblib.hash(after[name]) == joblib.hash(value)
        require(same, f"{name}={value!r} after fit as before", repr(after[name]))


def _plain(params):
    """Leave out estimators, and lists of them: what they take is there as well."""

    def holds_estimators(value):
        if isinstance(value, (list, tuple)):
            return any(map(holds_estimators, value))
        return hasattr(value, "get_params")

    return {
        name: value for name, value in params.items() if not holds_estimators(value)
    }


@check("Rename them.", replaces="check_dont_overwrite_parameters")
def check_fit_sets_only_fitted_names(under_test):
    """`fit` adds only attributes that begin or end with an underscore."""
    added = vars(under_test.fitted()).keys() - vars(under_test.new()).keys()
    wrong = [name for name in added if "_" not in (name[0], name[-1])]
    require(not wrong, "fit to add names that begin or end with '_'", sorted(wrong))


@check(
    "Set names that end in '_' in fit alone, or write __sklearn_is_fitted__.",
    replaces="check_fit_check_is_fitted",
)
def check_is_fitted_after_fit_only(under_test):
    """`check_is_fitted` passes after `fit` and not before."""
    with require_raises("check_is_fitted before fit", (NotFittedError,)):
        check_is_fitted(under_test.new())
    check_is_fitted(under_test.fitted())


@check("Call check_is_fitted before anything else.", strict=True)
def check_not_fitted_error_comes_first(under_test):
    """Unfitted, each method says so before it looks at the texts."""
    for method in METHODS:
        if hasattr(under_test.estimator, method):
            with require_raises(f"{method}(None) before fit", (NotFittedError,)):
                getattr(under_test.new(), method)(None)


@check("Check the data before any fitted attribute is set.")
def check_failed_fit_leaves_it_unfitted(under_test):
    """After a first `fit` that failed it is unfitted."""
    estimator = under_test.new()
    with contextlib.suppress(Exception):
        estimator.fit([], [])
    with require_raises("predict after a fit that failed", (NotFittedError,)):
        estimator.predict(["a text"])


@check(
    "Set n_iter_ in fit to the number of passes that were made.",
    needs="iterations",
    replaces="check_non_transformer_estimators_n_iter",
)
def check_n_iter(under_test):
    """With a parameter `max_iter` or `max_epochs`, `n_iter_` counts at least one."""
    n_iter = getattr(under_test.fitted(), "n_iter_", 0)
    require(np.all(np.asarray(n_iter) >= 1), "n_iter_ of at least 1", n_iter)


@check("Work on copies.")
def check_data_are_not_changed(under_test):
    """`fit` and `predict` leave texts and labels as they are."""
    first = under_test.first_fit()
    first.estimator.predict(first.texts)
    texts, labels = corpus()
    same = first.texts == texts and np.array_equal(first.labels, labels)
    require(same, "texts and labels after fit and predict as before", "others")


@check("Print only where a parameter verbose asks for it.")
def check_nothing_is_printed(under_test):
    """`fit` writes nothing to the standard streams."""
    printed = under_test.first_fit().printed
    require(not printed, "no output of fit", repr(printed[:80]))


@check(
    "Copy arrays before they go where they must be writeable; warn of bad data alone.",
    needs="repeatable",
    replaces="check_readonly_memmap_input check_classifiers_train",
)
def check_read_only_data_fit_without_a_warning(under_test):
    """Read-only arrays fit as a list does, without a warning."""
    texts, labels = corpus()
    texts = np.array(texts, dtype=object)
    texts.flags.writeable = labels.flags.writeable = False
    weights = {}
    if "sample_weight" in under_test.capabilities:
        weights["sample_weight"] = np.ones(len(texts))
        weights["sample_weight"].flags.writeable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = under_test.fit(texts, labels, **weights)
        estimator.predict(texts)
    messages = [
        f"{warned.category.__name__}: {warned.message}"
        for warned in caught
        # Whoever sets few passes may be told so.
        if under_test.strict or warned.category is not ConvergenceWarning
    ]
    require(not messages, "no warning for clean texts and labels", messages)
    under_test.require_same(estimator, "the model of a list")


@check("Test with numbers.Integral, numbers.Real and np.bool_.", needs="repeatable")
def check_numpy_scalars_as_parameters(under_test):
    """NumPy's numbers do as parameters what Python's do: searches hand them out."""
    kinds = {int: np.int64, float: np.float64, bool: np.bool_}
    params = under_test.new().get_params()
    plain = {name: value for name, value in params.items() if type(value) in kinds}
    scalars = {name: kinds[type(value)](value) for name, value in plain.items()}
    what = f"the same model from NumPy's numbers for {', '.join(scalars)}"
    estimator = under_test.fit(*corpus(), params=scalars)
    # Arrays of float32 become float64 where they meet a float64 of NumPy.
    under_test.require_same(estimator, what, atol=1e-6)


@check(
    "Check all parameters first thing in fit.",
    replaces="check_param_validation",
    strict=True,
)
def check_bad_parameters_are_named(under_test):
    """A parameter of a wrong type is refused in `fit`, by its name."""
    for name in _plain(under_test.new().get_params()):
        last = name.rpartition("__")[2]
        with require_raises(f"{name}=object()", (ValueError, TypeError), last):
            under_test.fit(*corpus(), params={name: object()})


@check("Delete it.", replaces="check_n_features_in", strict=True)
def check_has_no_n_features_in(under_test):
    """It has no `n_features_in_` and no `feature_names_in_`: texts have no columns."""
    for name in ("n_features_in_", "feature_names_in_"):
        require(not hasattr(under_test.fitted(), name), f"no attribute {name}", "one")


@check(
    "Leave nothing in fit to the way it is called.",
    needs="repeatable",
    replaces="check_pipeline_consistency",
)
def check_pipeline_gives_the_same(under_test):
    """The only step of a pipeline, it gives what it gives alone."""
    pipeline = make_pipeline(under_test.new()).fit(*corpus())
    under_test.require_same(pipeline, "the model that was fitted alone")


@check(OF_ITS_OWN, needs="repeatable")
def check_same_seed_same_model(under_test):
    """The same seed gives the same model, however the global generators were used."""
    with advanced_generators():
        estimator = under_test.fit(*corpus())
    under_test.require_same(estimator, "the same model from the same seed")


@check(FROM_SCRATCH, needs="repeatable", replaces="check_fit_idempotent")
def check_refit_starts_from_scratch(under_test):
    """A second `fit` knows nothing of the first, nor of its classes."""
    texts, labels = corpus()
    estimator = under_test.fit([*texts[:5], "other words"], ["x", "y"] * 3)
    estimator.fit(texts, labels)
    classes = np.asarray(estimator.classes_).tolist()
    require(classes == ["neg", "pos"], "classes_ neg and pos of the last", classes)
    under_test.require_same(estimator, "the model of a first fit")


@check(OF_ITS_OWN)
def check_global_generators_unchanged(under_test):
    """Python's, NumPy's and torch's global generators stay where they are."""
    _require_unchanged(under_test, "generators", generator_states)


@check("Put back what must be set, in a `finally`.")
def check_global_settings_unchanged(under_test):
    """`fit` and `predict` change no global setting, such as `warnings.filters`."""
    _require_unchanged(under_test, "settings", global_settings)


def _require_unchanged(under_test, kind, snapshot):
    """Require the same snapshot after each method, a failed fit and a deep copy."""
    texts, labels = corpus()
    # Fit first, because imports may change the state once.
    under_test.fitted()
    calls = {
        "fit": partial(under_test.fit, texts[:12], labels[:12]),
        "a fit that fails": partial(_fail_to_fit, under_test),
        "predict": partial(under_test.fitted().predict, texts),
        "copy.deepcopy": partial(copy.deepcopy, under_test.fitted()),
    }
    if "partial_fit" in under_test.capabilities:
        calls["partial_fit"] = under_test.partial_fit
    for name, call in calls.items():
        names = changed_names(snapshot, call)
        require(not names, f"{name} to change no global {kind}", f"changed {names}")


def _fail_to_fit(under_test):
    # Another check tests the type of the error.
    with contextlib.suppress(Exception):
        under_test.new().fit([], [])
