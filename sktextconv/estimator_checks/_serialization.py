"""Checks of deep copies and pickles."""

import copy
import pickle
import tempfile
from pathlib import Path

import joblib

from ._check import check, require
from ._fixtures import corpus

PICKLABLE = "Store in attributes only values that can be pickled, no lambdas."


@check(PICKLABLE, replaces="check_estimators_pickle")
def check_pickle(under_test):
    """A pickled and loaded copy has the same scores, with any protocol."""
    pickle.loads(pickle.dumps(under_test.new()))
    expected = under_test.fitted().predict(corpus()[0])
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(under_test.fitted(), protocol))
        description = f"after protocol {protocol} the same model"
        under_test.require_same(copied, description)
        under_test.require_equal(copied.predict(corpus()[0]), expected, description)


@check(PICKLABLE)
def check_deepcopy(under_test):
    """A deep copy has the same scores."""
    under_test.require_same(
        copy.deepcopy(under_test.fitted()), "the model that was copied"
    )


@check(
    "Copy fitted arrays before writing to them.",
    replaces="check_estimators_pickle",
)
def check_joblib_memory_map(under_test):
    """A joblib dump that is loaded as read-only memory maps has the same scores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        joblib.dump(under_test.fitted(), path)
        loaded = joblib.load(path, mmap_mode="r")
        under_test.require_same(loaded, "the model that was dumped")
        # Windows deletes no file that is mapped.
        del loaded


@check("Delete references to the training data at the end of fit.", strict=True)
def check_pickle_holds_no_training_data(under_test):
    """The pickle contains no training texts, and its size does not depend on them."""
    texts, labels = corpus()
    whole = pickle.dumps(under_test.fitted())
    found = [text for text in texts if text.encode() in whole]
    require(not found, "no training text in the pickle", found)
    half = pickle.dumps(under_test.fit(texts[:12], labels[:12]))
    growth = len(whole) - len(half)
    require(growth <= 64, "at most 64 bytes more for 12 more texts", growth)
