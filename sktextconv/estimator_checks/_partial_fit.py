"""Checks of `partial_fit`."""

import pickle

import numpy as np

from ._check import LENIENT_ERRORS, check, require, require_raises
from ._fit import FROM_SCRATCH
from ._fixtures import corpus, scores
from ._predict import hash_attributes
from ._serialization import PICKLABLE

CONTINUE = "Update the fitted attributes in partial_fit, and return self."
VALIDATE_FIRST = "Validate all arguments before changing any attribute."


@check(
    "Accept a parameter classes, as scikit-learn's SGDClassifier does.",
    needs="partial_fit",
)
def check_partial_fit_needs_the_classes_first(under_test):
    """The first `partial_fit` without `classes` raises `ValueError`."""
    with require_raises("partial_fit without classes", (ValueError,), "classes"):
        under_test.new().partial_fit(*corpus())


@check(CONTINUE, needs="partial_fit")
def check_partial_fit_continues(under_test):
    """`partial_fit` returns the estimator and continues from the previous model."""
    texts, labels = corpus()
    estimator, other = under_test.partial_fit(), under_test.partial_fit(labels[::-1])
    before = scores(estimator, texts)
    for each in (estimator, other):
        returned = each.partial_fit(texts[:1], labels[-1:])
        require(returned is each, "partial_fit to return the estimator", returned)
        each.partial_fit(["", "@@"], labels[[0, -1]])
    after = scores(estimator, texts)
    if after.dtype.kind == "f":
        moved = not np.array_equal(after, before)
        require(moved, "different scores after more texts", "the same")
        continued = not np.array_equal(after, scores(other, texts))
        require(continued, "different scores after different first calls", "the same")


@check(
    VALIDATE_FIRST,
    needs="partial_fit",
    replaces="check_estimators_partial_fit_n_features",
)
def check_failed_partial_fit_changes_nothing(under_test):
    """`partial_fit` with invalid data raises an error and changes no attribute."""
    texts, labels = corpus()
    estimator = under_test.partial_fit()
    before = hash_attributes(estimator)
    calls = {
        "other classes": (texts, labels, ["neg", "other"]),
        "a label that is not in classes": (texts[:2], ["pos", "other"], None),
        "one label for two texts": (texts[:2], labels[:1], None),
    }
    for case, (X, y, classes) in calls.items():
        with require_raises(f"{case} in partial_fit", LENIENT_ERRORS):
            estimator.partial_fit(X, y, classes=classes)
        same = hash_attributes(estimator) == before
        require(
            same, f"the same attributes after {case} in partial_fit", "different ones"
        )


@check(PICKLABLE, needs="partial_fit repeatable")
def check_pickle_between_partial_fits(under_test):
    """Pickling between two calls of `partial_fit` does not change the scores."""
    estimator = under_test.partial_fit()
    other = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, other):
        each.partial_fit(*corpus())
    under_test.require_same(other, "the model that was not pickled", other=estimator)


@check(FROM_SCRATCH, needs="partial_fit repeatable")
def check_fit_after_partial_fit_starts_from_scratch(under_test):
    """`fit` after `partial_fit` gives the model of `fit` alone."""
    texts, labels = corpus()
    estimator = under_test.partial_fit(labels[::-1])
    estimator.fit(texts, labels)
    under_test.require_same(estimator, "the model of fit alone")
