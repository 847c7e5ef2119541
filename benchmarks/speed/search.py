"""Cost of a search around the fits of its candidates."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sktextconv import KimCNNClassifier

from .comparison import make_line
from .timing import configured, head, rates

__all__ = ["LINES", "compare_search"]

_N_TEXTS, _N_CANDIDATES = 640, 8


def compare_search(data):
    """Compare a grid search over learning rates with the same fits in a loop."""
    texts, y = head(data["short"], _N_TEXTS)
    classifier = configured(KimCNNClassifier(embedding_dim=64, n_filters=32))
    candidates = np.geomspace(1e-4, 1e-2, _N_CANDIDATES).tolist()
    order = np.random.RandomState(0).permutation(len(texts))
    train, test = np.split(order, [len(texts) * 4 // 5])
    search = GridSearchCV(
        classifier, {"learning_rate": candidates}, cv=[(train, test)], refit=False
    )

    def ours():
        search.fit(texts, y)
        return _N_CANDIDATES

    def theirs():
        X_train, X_test = ([texts[row] for row in rows] for rows in (train, test))
        for rate in candidates:
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


LINES = {"search": compare_search}
