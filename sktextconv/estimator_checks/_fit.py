"""Checks of parameters, of `fit`, and of global state."""

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

FROM_SCRATCH = "In fit, compute every fitted attribute from parameters and data only."
OWN_GENERATOR = (
    "In each fit, call check_random_state(self.random_state) and draw from it."
)


@check("Inherit from ClassifierMixin, before BaseEstimator.")
def check_is_a_classifier(under_test):
    """`sklearn.base.is_classifier` returns True."""
    require(is_classifier(under_test.new()), "is_classifier to return True", "False")


@check(
    "Define fit(self, X, y) or fit(self, X, y=None).",
    replaces="check_fit_score_takes_y",
)
def check_takes_texts_then_labels(under_test):
    """`y` is the second parameter of `fit`, `partial_fit` and `score`."""
    for method in ("fit", "partial_fit", "score"):
        if hasattr(under_test.estimator, method):
            function = getattr(under_test.estimator, method)
            names = [*inspect.signature(function).parameters]
            require(names[1:2] == ["y"], f"y as second parameter of {method}", names)


@check("End fit with `return self`.", replaces="check_estimators_fit_returns_self")
def check_fit_returns_self(under_test):
    """`fit` returns the estimator."""
    first = under_test.first_fit()
    same = first.returned is first.estimator
    require(same, "fit to return the estimator itself", type(first.returned).__name__)


@check(
    "Store values derived from parameters in attributes that end in '_'.",
    replaces="check_estimators_overwrite_params check_dont_overwrite_parameters",
)
def check_fit_keeps_parameters(under_test):
    """`fit` neither replaces nor modifies a parameter."""
    after = clone(under_test.fitted()).get_params()
    for name, value in _without_estimators(under_test.new().get_params()).items():
        same = joblib.hash(after[name]) == joblib.hash(value)
        require(same, f"{name}={value!r} after fit as before", repr(after[name]))


def _without_estimators(params):
    """Omit estimators and lists of them, because `params` has their parameters too."""

    def has_estimators(value):
        if isinstance(value, (list, tuple)):
            return any(map(has_estimators, value))
        return hasattr(value, "get_params")

    return {name: value for name, value in params.items() if not has_estimators(value)}


@check(
    "Rename the attributes to end in '_', or to start with '_' if they are private.",
    replaces="check_dont_overwrite_parameters",
)
def check_fit_sets_only_fitted_names(under_test):
    """Each attribute that `fit` adds starts or ends with an underscore."""
    added = vars(under_test.fitted()).keys() - vars(under_test.new()).keys()
    wrong = [name for name in added if "_" not in (name[0], name[-1])]
    require(not wrong, "fit to add names that start or end with '_'", sorted(wrong))


@check(
    "Set attributes that end in '_' in fit only, or define __sklearn_is_fitted__.",
    replaces="check_fit_check_is_fitted",
)
def check_is_fitted_after_fit_only(under_test):
    """`check_is_fitted` raises `NotFittedError` before `fit` and passes after it."""
    with require_raises("check_is_fitted before fit", (NotFittedError,)):
        check_is_fitted(under_test.new())
    check_is_fitted(under_test.fitted())


@check("Call check_is_fitted first in each prediction method.", strict=True)
def check_not_fitted_error_comes_first(under_test):
    """Before `fit`, prediction methods raise `NotFittedError` even if `X` is None."""
    for method in METHODS:
        if hasattr(under_test.estimator, method):
            with require_raises(f"{method}(None) before fit", (NotFittedError,)):
                getattr(under_test.new(), method)(None)


@check("Validate the data in fit before setting any fitted attribute.")
def check_failed_fit_leaves_it_unfitted(under_test):
    """If the first `fit` fails, `predict` raises `NotFittedError`."""
    estimator = under_test.new()
    with contextlib.suppress(Exception):
        estimator.fit([], [])
    with require_raises("predict after a fit that failed", (NotFittedError,)):
        estimator.predict(["a text"])


@check(
    "Set n_iter_ in fit to the number of epochs that were run.",
    needs="iterations",
    replaces="check_non_transformer_estimators_n_iter",
)
def check_n_iter(under_test):
    """With a parameter `max_iter` or `max_epochs`, `n_iter_` is at least 1."""
    n_iter = getattr(under_test.fitted(), "n_iter_", 0)
    require(np.all(np.asarray(n_iter) >= 1), "n_iter_ of at least 1", n_iter)


@check("Copy texts and labels before modifying them.")
def check_data_are_not_changed(under_test):
    """`fit` and `predict` do not modify the texts and labels passed to them."""
    first = under_test.first_fit()
    first.estimator.predict(first.texts)
    texts, labels = corpus()
    same = first.texts == texts and np.array_equal(first.labels, labels)
    require(same, "unmodified texts and labels after fit and predict", "modified ones")


@check("Print only if a parameter such as verbose asks for it.")
def check_nothing_is_printed(under_test):
    """`fit` writes nothing to the standard streams."""
    printed = under_test.first_fit().printed
    require(not printed, "no output of fit", repr(printed[:80]))


@check(
    "Copy arrays before writing to them, and warn only about invalid data.",
    needs="repeatable",
    replaces="check_readonly_memmap_input check_classifiers_train",
)
def check_read_only_data_fit_without_a_warning(under_test):
    """`fit` to read-only arrays gives the model of a list, without a warning."""
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
        f"{warning.category.__name__}: {warning.message}"
        for warning in caught
        # A small max_iter justifies this warning.
        if under_test.strict or warning.category is not ConvergenceWarning
    ]
    require(not messages, "no warning for valid texts and labels", messages)
    under_test.require_same(estimator, "the model of a list")


@check(
    "Test the types with numbers.Integral, numbers.Real and np.bool_.",
    needs="repeatable",
)
def check_numpy_scalars_as_parameters(under_test):
    """Parameters may be scalars of NumPy, which hyperparameter searches pass."""
    types = {int: np.int64, float: np.float64, bool: np.bool_}
    params = under_test.new().get_params()
    plain = {name: value for name, value in params.items() if type(value) in types}
    scalars = {name: types[type(value)](value) for name, value in plain.items()}
    description = f"the same model from scalars of NumPy for {', '.join(scalars)}"
    estimator = under_test.fit(*corpus(), params=scalars)
    # NumPy promotes float32 arrays to float64 if they meet a float64 scalar.
    under_test.require_same(estimator, description, atol=1e-6)


@check(
    "Validate all parameters first in fit.",
    replaces="check_param_validation",
    strict=True,
)
def check_bad_parameters_are_named(under_test):
    """`fit` raises an error that names the parameter whose type is wrong."""
    for name in _without_estimators(under_test.new().get_params()):
        last = name.rpartition("__")[2]
        with require_raises(f"{name}=object()", (ValueError, TypeError), last):
            under_test.fit(*corpus(), params={name: object()})


@check("Delete the attribute.", replaces="check_n_features_in", strict=True)
def check_has_no_n_features_in(under_test):
    """`n_features_in_` and `feature_names_in_` do not exist: texts have no columns."""
    for name in ("n_features_in_", "feature_names_in_"):
        require(not hasattr(under_test.fitted(), name), f"no attribute {name}", "one")


@check(
    "Make fit independent of its caller.",
    needs="repeatable",
    replaces="check_pipeline_consistency",
)
def check_pipeline_gives_the_same(under_test):
    """A pipeline with the classifier as its only step gives the same model."""
    pipeline = make_pipeline(under_test.new()).fit(*corpus())
    under_test.require_same(pipeline, "the model that was fitted alone")


@check(OWN_GENERATOR, needs="repeatable")
def check_same_seed_same_model(under_test):
    """`fit` depends on `random_state`, not on the global generators."""
    with advanced_generators():
        estimator = under_test.fit(*corpus())
    under_test.require_same(estimator, "the same model from the same seed")


@check(FROM_SCRATCH, needs="repeatable", replaces="check_fit_idempotent")
def check_refit_starts_from_scratch(under_test):
    """A second `fit` gives the model and the classes of its own data only."""
    texts, labels = corpus()
    estimator = under_test.fit([*texts[:5], "other words"], ["x", "y"] * 3)
    estimator.fit(texts, labels)
    classes = np.asarray(estimator.classes_).tolist()
    require(classes == ["neg", "pos"], "classes_ neg and pos of the last fit", classes)
    under_test.require_same(estimator, "the model of a first fit")


@check(OWN_GENERATOR)
def check_global_generators_unchanged(under_test):
    """`fit` and `predict` draw no numbers from global random generators."""
    _require_unchanged(under_test, "generator", generator_states)


@check("Restore changed settings in a finally block.")
def check_global_settings_unchanged(under_test):
    """`fit` and `predict` change no global setting, such as `warnings.filters`."""
    _require_unchanged(under_test, "setting", global_settings)


def _require_unchanged(under_test, kind, snapshot):
    """Require that each method, a failed fit and a deep copy change no global state."""
    texts, labels = corpus()
    # Fit first, because the first import of a library may change settings.
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
