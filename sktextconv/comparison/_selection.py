"""Selection of parameters inside the training texts."""

import math

import numpy as np
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GroupShuffleSplit,
    HalvingGridSearchCV,
    ParameterGrid,
    train_test_split,
)
from sklearn.pipeline import Pipeline

__all__ = ["SEARCH_COST", "last_step", "select_parameters", "split_off", "take"]

_VALIDATION_FRACTION = 0.1
SEARCH_COST = 1.75  # of the search over learning rates, in trainings of a network
_RATES = (1 / 3, 1.0, 3.0)  # learning rates to try, as multiples of the recipe's


def select_parameters(estimator, grid, X, y, *, groups=None, seed=0, search=False):
    """Set the parameters with the lowest validation error; return the errors of all.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Unfitted; its parameters are changed.
    grid : mapping of str to list
        Values to try of parameters of the estimator, or of the last step of a pipeline.
        The steps before it are fitted once.
    X : sequence of str
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None, default=None
        Groups of texts that validation does not divide.
    seed : int, default=0
        Seed of the division.
    search : bool, default=False
        Whether to search over the learning rates of a network by successive halving
        over epochs.

    Returns
    -------
    tried : list of dict
        "params", "error" on the validation texts in %, and in a search "max_epochs".
        Empty if there is nothing to select.
    """
    last = last_step(estimator)
    search = search and hasattr(last, "max_epochs") and hasattr(last, "_recipe")
    if not grid and not search:
        return []
    train, valid = split_off(y, groups, _VALIDATION_FRACTION, seed)
    if search:
        return _search(last, X, y, train, valid, seed)
    y_train, y_valid = y[train], y[valid]
    X_train, X_valid = take(X, train), take(X, valid)
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        head = clone(estimator[:-1])
        X_train, X_valid = head.fit_transform(X_train, y_train), head.transform(X_valid)
    tried = []
    for params in ParameterGrid(dict(grid)):
        fitted = clone(last).set_params(**params).fit(X_train, y_train)
        error = 100 * float(np.mean(fitted.predict(X_valid) != y_valid))
        tried.append({"params": params, "error": error})
    last.set_params(**min(tried, key=lambda each: each["error"])["params"])
    return tried


def _search(network, X, y, train, valid, seed):
    rate = network.learning_rate or network._recipe().learning_rate
    n_epochs = max(1, network.max_epochs // 2)
    search = HalvingGridSearchCV(
        network,
        {"learning_rate": [float(factor * rate) for factor in _RATES]},
        resource="max_epochs",
        max_resources=n_epochs,
        min_resources=max(1, n_epochs // 2),
        factor=2,
        cv=[(train, valid)],
        scoring="accuracy",
        refit=False,
        random_state=seed,
    )
    search.fit(X, y)
    found = search.cv_results_
    network.set_params(learning_rate=search.best_params_["learning_rate"])
    return [
        {
            "params": {"learning_rate": params["learning_rate"]},
            "error": 100 * (1 - float(score)),
            "max_epochs": int(n_epochs),
        }
        for params, score, n_epochs in zip(
            found["params"],
            found["mean_test_score"],
            found["n_resources"],
            strict=True,
        )
    ]


def last_step(estimator):
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def split_off(y, groups, fraction, seed):
    """Return the rows to train on and those to hold out, stratified or by group.

    Classes with a single text, or too few texts for all classes, are divided at random.
    """
    rows = np.arange(len(y))
    if groups is not None:
        splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
        return next(splitter.split(rows, y, groups))
    counts = np.unique(y, return_counts=True)[1]
    n_held_out = math.ceil(fraction * len(y))
    stratify = y if counts.min() > 1 and n_held_out >= len(counts) else None
    return train_test_split(
        rows, test_size=n_held_out, stratify=stratify, random_state=seed
    )


def take(texts, rows):
    """Return the texts of the rows, as a list."""
    return [texts[row] for row in rows]
