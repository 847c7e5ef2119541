"""Cost of a search around the fits of its candidates."""

import tempfile

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sktextconv import HANClassifier, KimCNNClassifier

from .comparison import make_line
from .timing import configured, head, rates

__all__ = ["LINES", "compare_memory", "compare_search"]

_N_TEXTS, _N_CANDIDATES = 640, 8


def compare_search(data):
    """Compare a grid search over learning rates with the same fits in a loop."""
    classifier = configured(KimCNNClassifier(embedding_dim=64, n_filters=32))
    search, texts, y = _make_search(classifier, data)
    ((train, test),) = search.cv

    def ours():
        search.fit(texts, y)
        return _N_CANDIDATES

    def theirs():
        X_train, X_test = ([texts[row] for row in rows] for rows in (train, test))
        for rate in search.param_grid["learning_rate"]:
            fitted = clone(classifier).set_params(learning_rate=rate)
            fitted.fit(X_train, y[train]).score(X_test, y[test])
        return _N_CANDIDATES

    return make_line(
        f"grid search over {_N_CANDIDATES} candidates",
        rates({"ours": ours, "theirs": theirs}),
        "candidates/s",
        0.95,
        "the same fits and scores in a loop",
    )


def compare_memory(data):
    """Compare a search whose candidates share ids with one whose candidates do not."""
    classifier = configured(HANClassifier(batch_size=64))
    search, texts, y = _make_search(classifier, data)

    def run(memory):
        classifier.set_params(memory=memory)
        search.fit(texts, y)
        return _N_CANDIDATES

    def ours():
        with tempfile.TemporaryDirectory() as folder:
            return run(folder)

    return make_line(
        f"grid search over {_N_CANDIDATES} candidates with memory, HAN",
        rates({"ours": ours, "theirs": lambda: run(None)}, rounds=3),
        "candidates/s",
        1.0,
        "the same search without",
    )


def _make_search(classifier, data):
    """Return a search over learning rates on one split, texts and labels."""
    texts, y = head(data["short"], _N_TEXTS)
    order = np.random.RandomState(0).permutation(len(texts))
    train, test = np.split(order, [len(texts) * 4 // 5])
    grid = {"learning_rate": np.geomspace(1e-4, 1e-2, _N_CANDIDATES).tolist()}
    return GridSearchCV(classifier, grid, cv=[(train, test)], refit=False), texts, y


LINES = {"search": compare_search, "search-memory": compare_memory}
