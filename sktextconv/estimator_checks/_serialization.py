"""Checks of copies and pickles."""

import copy
import pickle
import tempfile
from pathlib import Path

import joblib

from ._check import check, require
from ._fixtures import corpus

__all__ = [
    "PLAIN",
    "check_deepcopy",
    "check_joblib_memory_map",
    "check_pickle",
    "check_pickle_holds_no_training_data",
]

PLAIN = "Keep plain values and arrays in attributes, the generator too, no lambdas."


@check(PLAIN, replaces="check_estimators_pickle")
def check_pickle(under_test):
    """Pickled with any protocol and loaded, it predicts the same; unfitted it loads."""
    pickle.loads(pickle.dumps(under_test.new()))
    expected = under_test.fitted().predict(corpus()[0])
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(under_test.fitted(), protocol))
        what = f"after protocol {protocol} the same model"
        under_test.require_same(copied, what)
        under_test.require_equal(copied.predict(corpus()[0]), expected, what)


@check(PLAIN)
def check_deepcopy(under_test):
    """A deep copy predicts the same."""
    under_test.require_same(
        copy.deepcopy(under_test.fitted()), "the model that was copied"
    )


@check(
    "Copy fitted arrays before they are written to.",
    replaces="check_estimators_pickle",
)
def check_joblib_memory_map(under_test):
    """Dumped with joblib and loaded as read-only memory maps, it predicts the same."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        joblib.dump(under_test.fitted(), path)
        loaded = joblib.load(path, mmap_mode="r")
        under_test.require_same(loaded, "the model that was dumped")
        del loaded  # before its file


@check("Delete the training data at the end of fit.", strict=True)
def check_pickle_holds_no_training_data(under_test):
    """The pickle holds no training text, and does not grow with their number."""
    texts, labels = corpus()
    whole = pickle.dumps(under_test.fitted())
    kept = [text for text in texts if text.encode() in whole]
    require(not kept, "no training text in the pickle", kept)
    half = pickle.dumps(under_test.fit(texts[:12], labels[:12]))
    growth = len(whole) - len(half)
    require(growth <= 64, "at most 64 bytes more for 12 more texts", growth)
