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

from ._check import promise, refused, require
from ._fixtures import METHODS, corpus
from ._global_state import changed, generators, generators_used, settings

AFRESH = "Set every fitted attribute anew in fit, from the parameters and data alone."
OF_ITS_OWN = "Draw from check_random_state(self.random_state), made in each fit."


@promise("Inherit from ClassifierMixin, before BaseEstimator.")
def check_is_a_classifier(subject):
    """scikit-learn takes it for a classifier."""
    require(is_classifier(subject.new()), "is_classifier to be true", "false")


@promise(
    "Write fit(self, X, y), if need be with y=None.",
    stands_for="check_fit_score_takes_y",
)
def check_takes_texts_then_labels(subject):
    """`fit`, `partial_fit` and `score` take `X`, then `y`."""
    for method in ("fit", "partial_fit", "score"):
        if hasattr(subject.estimator, method):
            names = [*inspect.signature(getattr(subject.estimator, method)).parameters]
            require(names[1:2] == ["y"], f"y as second argument of {method}", names)


@promise("End fit with `return self`.", stands_for="check_estimators_fit_returns_self")
def check_fit_returns_self(subject):
    """`fit` returns the estimator."""
    first = subject.first_fit()
    same = first.returned is first.estimator
    require(same, "fit to return the estimator itself", type(first.returned).__name__)


@promise(
    "Keep what fit derives from a parameter in an attribute that ends in '_'.",
    stands_for="check_estimators_overwrite_params check_dont_overwrite_parameters",
)
def check_fit_keeps_parameters(subject):
    """`fit` changes no parameter, nor what is in it."""
    after = clone(subject.fitted()).get_params()
    for name, value in _plain(subject.new().get_params()).items():
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


@promise("Rename them.", stands_for="check_dont_overwrite_parameters")
def check_fit_sets_only_fitted_names(subject):
    """`fit` adds only attributes that begin or end with an underscore."""
    added = vars(subject.fitted()).keys() - vars(subject.new()).keys()
    wrong = [name for name in added if "_" not in (name[0], name[-1])]
    require(not wrong, "fit to add names that begin or end with '_'", sorted(wrong))


@promise(
    "Set names that end in '_' in fit alone, or write __sklearn_is_fitted__.",
    stands_for="check_fit_check_is_fitted",
)
def check_is_fitted_after_fit_only(subject):
    """`check_is_fitted` passes after `fit` and not before."""
    with refused("check_is_fitted before fit", (NotFittedError,)):
        check_is_fitted(subject.new())
    check_is_fitted(subject.fitted())


@promise("Call check_is_fitted before anything else.", strict=True)
def check_unfitted_comes_before_bad_texts(subject):
    """Unfitted, each method says so before it looks at the texts."""
    for method in METHODS:
        if hasattr(subject.estimator, method):
            with refused(f"{method}(None) before fit", (NotFittedError,)):
                getattr(subject.new(), method)(None)


@promise("Check the data before any fitted attribute is set.")
def check_refused_fit_leaves_it_unfitted(subject):
    """After a first `fit` that failed it is unfitted."""
    estimator = subject.new()
    with contextlib.suppress(Exception):
        estimator.fit([], [])
    with refused("predict after a fit that failed", (NotFittedError,)):
        estimator.predict(["a text"])


@promise(
    "Set n_iter_ in fit to the number of passes that were made.",
    needs="iterations",
    stands_for="check_non_transformer_estimators_n_iter",
)
def check_n_iter(subject):
    """With a parameter `max_iter` or `max_epochs`, `n_iter_` counts at least one."""
    n_iter = getattr(subject.fitted(), "n_iter_", 0)
    require(np.all(np.asarray(n_iter) >= 1), "n_iter_ of at least 1", n_iter)


@promise("Work on copies.")
def check_data_are_not_changed(subject):
    """`fit` and `predict` leave texts and labels as they are."""
    first = subject.first_fit()
    first.estimator.predict(first.texts)
    texts, labels = corpus()
    same = first.texts == texts and np.array_equal(first.labels, labels)
    require(same, "texts and labels after fit and predict as before", "others")


@promise("Print only where a parameter verbose asks for it.")
def check_nothing_is_printed(subject):
    """`fit` writes nothing to the standard streams."""
    printed = subject.first_fit().printed
    require(not printed, "no output of fit", repr(printed[:80]))


@promise(
    "Copy arrays before they go where they must be writeable; warn of bad data alone.",
    needs="repeatable",
    stands_for="check_readonly_memmap_input check_classifiers_train",
)
def check_read_only_data_fit_without_a_warning(subject):
    """Read-only arrays fit as a list does, without a warning."""
    texts, labels = corpus()
    texts = np.array(texts, dtype=object)
    texts.flags.writeable = labels.flags.writeable = False
    weights = {}
    if "sample_weight" in subject.offers:
        weights["sample_weight"] = np.ones(len(texts))
        weights["sample_weight"].flags.writeable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = subject.fit(texts, labels, **weights)
        estimator.predict(texts)
    messages = [
        f"{warned.category.__name__}: {warned.message}"
        for warned in caught
        # Whoever sets few passes may be told so.
        if subject.strict or warned.category is not ConvergenceWarning
    ]
    require(not messages, "no warning for clean texts and labels", messages)
    subject.require_same(estimator, "the model of a list")


@promise("Test with numbers.Integral, numbers.Real and np.bool_.", needs="repeatable")
def check_numpy_scalars_as_parameters(subject):
    """NumPy's numbers do as parameters what Python's do: searches hand them out."""
    kinds = {int: np.int64, float: np.float64, bool: np.bool_}
    params = subject.new().get_params()
    plain = {name: value for name, value in params.items() if type(value) in kinds}
    scalars = {name: kinds[type(value)](value) for name, value in plain.items()}
    what = f"the same model from NumPy's numbers for {', '.join(scalars)}"
    estimator = subject.fit(*corpus(), params=scalars)
    # Arrays of float32 become float64 where they meet a float64 of NumPy.
    subject.require_same(estimator, what, atol=1e-6)


@promise(
    "Check all parameters first thing in fit.",
    stands_for="check_param_validation",
    strict=True,
)
def check_bad_parameters_are_named(subject):
    """A parameter of a wrong type is refused in `fit`, by its name."""
    for name in _plain(subject.new().get_params()):
        last = name.rpartition("__")[2]
        with refused(f"{name}=object()", (ValueError, TypeError), last):
            subject.fit(*corpus(), params={name: object()})


@promise("Delete it.", stands_for="check_n_features_in", strict=True)
def check_claims_nothing_of_tables(subject):
    """It has no `n_features_in_` and no `feature_names_in_`: texts have no columns."""
    for name in ("n_features_in_", "feature_names_in_"):
        require(not hasattr(subject.fitted(), name), f"no attribute {name}", "one")


@promise(
    "Leave nothing in fit to the way it is called.",
    needs="repeatable",
    stands_for="check_pipeline_consistency",
)
def check_pipeline_gives_the_same(subject):
    """The only step of a pipeline, it gives what it gives alone."""
    pipeline = make_pipeline(subject.new()).fit(*corpus())
    subject.require_same(pipeline, "the model that was fitted alone")


@promise(OF_ITS_OWN, needs="repeatable")
def check_same_seed_same_model(subject):
    """The same seed gives the same model, however the global generators were used."""
    with generators_used():
        estimator = subject.fit(*corpus())
    subject.require_same(estimator, "the same model from the same seed")


@promise(AFRESH, needs="repeatable", stands_for="check_fit_idempotent")
def check_refit_starts_afresh(subject):
    """A second `fit` knows nothing of the first, nor of its classes."""
    texts, labels = corpus()
    estimator = subject.fit([*texts[:5], "other words"], ["x", "y"] * 3)
    estimator.fit(texts, labels)
    classes = np.asarray(estimator.classes_).tolist()
    require(classes == ["neg", "pos"], "classes_ neg and pos of the last", classes)
    subject.require_same(estimator, "the model of a first fit")


@promise(OF_ITS_OWN)
def check_generators_stay(subject):
    """Python's, NumPy's and torch's global generators stay where they are."""
    _check_process(subject, generators)


@promise("Put back what must be set, in a `finally`.")
def check_settings_stay(subject):
    """Warning filters, environment, folder, logger and torch's settings stay."""
    _check_process(subject, settings)


def _check_process(subject, look):
    texts, labels = corpus()
    subject.fitted()  # so that what an import does once has been done
    calls = {
        "fit": partial(subject.fit, texts[:12], labels[:12]),
        "a fit that fails": partial(_fail_to_fit, subject),
        "predict": partial(subject.fitted().predict, texts),
        "copying": partial(copy.deepcopy, subject.fitted()),
    }
    if "partial_fit" in subject.offers:
        calls["partial_fit"] = subject.partial_fit
    for name, call in calls.items():
        names = changed(look, call)
        require(not names, f"{name} to leave {look.__name__} alone", f"others: {names}")


def _fail_to_fit(subject):
    with contextlib.suppress(Exception):  # of which kind is another check's matter
        subject.new().fit([], [])
