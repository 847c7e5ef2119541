"""Checks of `partial_fit`."""

import pickle

import numpy as np

from ._check import LENIENT_ERRORS, check, require, require_raises
from ._fit import FROM_SCRATCH
from ._fixtures import corpus, scores
from ._predict import hash_of
from ._serialization import PLAIN

__all__ = [
    "FIRST",
    "GO_ON",
    "check_failed_partial_fit_changes_nothing",
    "check_fit_after_partial_fit_starts_from_scratch",
    "check_partial_fit_continues",
    "check_partial_fit_needs_the_classes_first",
    "check_pickle_between_partial_fits",
]


GO_ON = "Go on from the fitted attributes, and return self."
FIRST = "Check everything before any attribute is changed."


@check("Take classes=, as scikit-learn's SGDClassifier does.", needs="partial_fit")
def check_partial_fit_needs_the_classes_first(under_test):
    """The first `partial_fit` is refused without `classes`."""
    with require_raises("partial_fit without classes", (ValueError,), "classes"):
        under_test.new().partial_fit(*corpus())


@check(GO_ON, needs="partial_fit")
def check_partial_fit_continues(under_test):
    """`partial_fit` returns the estimator, and adds to what was learnt before."""
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
        require(moved, "other scores after more texts", "the same")
        kept = not np.array_equal(after, scores(other, texts))
        require(kept, "other scores after other first texts", "the same")


@check(FIRST, needs="partial_fit", replaces="check_estimators_partial_fit_n_features")
def check_failed_partial_fit_changes_nothing(under_test):
    """`partial_fit` refuses what it must, other classes too, and changes nothing."""
    texts, labels = corpus()
    estimator = under_test.partial_fit()
    before = hash_of(estimator)
    calls = {
        "other classes": (texts, labels, ["neg", "other"]),
        "a label that is not in classes": (texts[:2], ["pos", "other"], None),
        "one label of two texts": (texts[:2], labels[:1], None),
    }
    for what, (X, y, classes) in calls.items():
        with require_raises(f"{what} in partial_fit", LENIENT_ERRORS):
            estimator.partial_fit(X, y, classes=classes)
        same = hash_of(estimator) == before
        require(same, f"the same attributes after {what} in partial_fit", "others")


@check(PLAIN, needs="partial_fit repeatable")
def check_pickle_between_partial_fits(under_test):
    """Pickled between two calls of `partial_fit`, it goes on as if it were not."""
    estimator = under_test.partial_fit()
    other = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, other):
        each.partial_fit(*corpus())
    under_test.require_same(other, "the model that was not pickled", other=estimator)


@check(FROM_SCRATCH, needs="partial_fit repeatable")
def check_fit_after_partial_fit_starts_from_scratch(under_test):
    """`fit` after `partial_fit` knows nothing of it."""
    texts, labels = corpus()
    estimator = under_test.partial_fit(labels[::-1])
    estimator.fit(texts, labels)
    under_test.require_same(estimator, "the model of fit alone")
