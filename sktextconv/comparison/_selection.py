"""Selection of parameters inside the training texts, from one table of grids."""

import itertools
import math
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from ..utils._fit import NO_CHECKPOINT, fit_model, last_step

__all__ = [
    "GRIDS",
    "VALIDATION_FRACTION",
    "Multiples",
    "count_trainings",
    "find_best",
    "is_network",
    "list_candidates",
    "rank_trial",
    "select_parameters",
    "split_off",
    "take",
]


class Multiples(tuple):
    """Values to try of a parameter, as multiples of its default."""

    __slots__ = ()


# Values to try of parameters of the last step, by kind of model.
GRIDS = {
    # Features are divided by their largest value: the best C is large and depends on
    # the data.
    "counts": {"C": [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7]},
    "tfidf": {"C": [0.3, 1.0, 3.0, 10.0, 30.0]},
    "ngrams-nb": {"C": [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]},
    "network": {"learning_rate": Multiples([0.3, 1.0, 3.0]), "dropout": [0.2, 0.5]},
}

VALIDATION_FRACTION = 0.1  # of the training texts

# Networks train for these fractions of `max_epochs`; half of them remain each time.
_ROUNDS = (0.25, 0.5)
_IN_SELECTION = {"verbose": 0} | NO_CHECKPOINT


def select_parameters(estimator, grid, X, y, *, groups=None, seed=0, report=None):
    """Set the parameters with the lowest validation error; return all that were tried.

    Of equal errors, the first of the grid is taken. Networks are selected by successive
    halving over epochs, and of equal errors by the lower log loss. If the training of
    each candidate diverges, the parameters stay.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Unfitted; its parameters are changed.
    grid : mapping of str to sequence
        Values to try of parameters of the estimator, or of the last step of a pipeline.
        The steps before it are fitted once.
    X : sequence of str
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None, default=None
        Groups of texts that validation does not divide.
    seed : int, default=0
        Seed of the division.
    report : callable, default=None
        Function that is called with each of `tried` when it is known.

    Returns
    -------
    tried : list of dict
        "params", "error" on the validation texts in %, and of networks "log_loss" and
        "max_epochs". Error and log loss are None, which JSON can hold, if training
        diverged. Empty if there is nothing to select.
    """
    last = last_step(estimator)
    candidates = list_candidates(last, grid, len(y))
    if not candidates:
        return []
    train, valid = split_off(y, groups, VALIDATION_FRACTION, seed)
    y_train, y_valid = y[train], y[valid]
    X_train, X_valid = take(X, train), take(X, valid)
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        head = clone(estimator[:-1])
        X_train, X_valid = head.fit_transform(X_train, y_train), head.transform(X_valid)
    try_candidates = _try_by_halving if is_network(last) else _try_all
    tried = []
    for trial in try_candidates(last, candidates, (X_train, y_train, X_valid, y_valid)):
        tried.append(trial)
        if report is not None:
            report(trial)
    best = find_best(tried)
    if best is not None:
        last.set_params(**best["params"])
    return tried


def find_best(tried):
    """Return the best trial of the last round; None if each training diverged."""
    n_epochs = tried[-1].get("max_epochs")
    final = [trial for trial in tried if trial.get("max_epochs") == n_epochs]
    best = min(final, key=rank_trial)
    return None if best["error"] is None else best


def rank_trial(trial):
    """Return the key that sorts trials: error and log loss, infinite if diverged."""
    if trial["error"] is None:
        return math.inf, math.inf
    return trial["error"], trial.get("log_loss", 0.0)


def list_candidates(estimator, grid, n_texts=None):
    """Return the dicts of parameters to try: all combinations of the grid.

    Dropout is left out of networks without it. The learning rate that is multiplied may
    depend on the number of training texts; None stands for many.
    """
    values = {
        name: _multiply(_default_of(estimator, name, n_texts), tried)
        if isinstance(tried, Multiples)
        else tried
        for name, tried in grid.items()
        if name != "dropout" or name in estimator.get_params()
    }
    if not values:
        return []
    combinations = itertools.product(*values.values())
    return [dict(zip(values, each, strict=True)) for each in combinations]


def count_trainings(estimator, grid):
    """Return the time of a selection, in trainings of the estimator."""
    last = last_step(estimator)
    n_candidates = len(list_candidates(last, grid))
    if not is_network(last):
        return n_candidates
    total = 0
    for fraction in _ROUNDS:
        total += fraction * n_candidates
        n_candidates = _half_of(n_candidates)
    return total


def is_network(estimator):
    """Return whether an estimator is a network of this package."""
    return hasattr(estimator, "max_epochs") and hasattr(estimator, "_recipe")


def split_off(y, groups, fraction, seed):
    """Return the rows to train on and those to hold out, stratified or by group.

    Classes with a single text, or too few texts for all classes, are divided at random.
    """
    rows = np.arange(len(y))
    if groups is not None:
        is_held_out = np.isin(groups, _draw_groups(groups, fraction, seed))
        return rows[~is_held_out], rows[is_held_out]
    counts = np.unique(y, return_counts=True)[1]
    n_held_out = math.ceil(fraction * len(y))
    stratify = y if counts.min() > 1 and n_held_out >= len(counts) else None
    return train_test_split(
        rows, test_size=n_held_out, stratify=stratify, random_state=seed
    )


def _draw_groups(groups, fraction, seed):
    """Return random groups that together come close to a fraction of the texts."""
    found, sizes = np.unique(groups, return_counts=True)
    if len(found) < 2:
        raise ValueError("Expected two or more groups to hold one out, got one.")
    order = np.random.RandomState(seed).permutation(len(found))
    missing, drawn = fraction * len(groups), []
    for at in order:
        brings_closer = sizes[at] < 2 * missing
        if brings_closer and len(drawn) < len(found) - 1:
            drawn.append(at)
            missing -= sizes[at]
    return found[drawn or order[sizes[order].argmin()]]


def take(texts, rows):
    """Return the texts of the rows, as a list."""
    return [texts[row] for row in rows]


def _try_all(estimator, candidates, parts):
    """Yield the trial of each candidate."""
    X, y, X_valid, y_valid = parts
    for params in candidates:
        trial = {"params": params, "error": None}
        try:
            fitted = fit_model(clone(estimator).set_params(**params), X, y)
            predicted = fitted.predict(X_valid)
        except ArithmeticError:  # training diverged
            pass
        else:
            trial["error"] = 100 * float(np.mean(predicted != y_valid))
        yield trial


def _try_by_halving(network, candidates, parts):
    """Yield the trials of each round; the better half takes part in the next one."""
    longest = network.max_epochs
    for n_epochs in sorted({max(round(longest * part), 1) for part in _ROUNDS}):
        trials = []
        for params in candidates:
            scores = _score_network(network, params | {"max_epochs": n_epochs}, parts)
            trials.append({"params": params, **scores, "max_epochs": n_epochs})
            yield trials[-1]
        trials.sort(key=rank_trial)
        candidates = [trial["params"] for trial in trials[: _half_of(len(trials))]]


def _score_network(network, params, parts):
    """Return the error in % and the log loss of a network, None if it diverges."""
    X, y, X_valid, y_valid = parts
    candidate = clone(network).set_params(**_IN_SELECTION, **params)
    with warnings.catch_warnings():
        # Warnings of candidates would be taken for those of the final training.
        warnings.simplefilter("ignore")
        try:
            probabilities = fit_model(candidate, X, y).predict_proba(X_valid)
        except ArithmeticError:  # training diverged
            return {"error": None, "log_loss": None}
    classes = candidate.classes_
    # Classes without a training text have the probability 0.
    right = (probabilities * (y_valid[:, None] == classes)).sum(axis=1)
    wrong = classes[probabilities.argmax(axis=1)] != y_valid
    return {
        "error": 100 * float(np.mean(wrong)),
        "log_loss": float(-np.log(right.clip(1e-15)).mean()),
    }


def _default_of(network, name, n_texts):
    """Return the value of a parameter of training, or that of its recipe if None."""
    value = getattr(network, name)
    if value is not None:
        return value
    if n_texts is None:
        return getattr(network._recipe(), name)
    from ..training._fit import fit_options  # imports torch

    return fit_options(network, n_texts)[name]


def _multiply(value, factors):
    """Return multiples of a value, rounded, except the value itself."""
    return [value if f == 1 else float(f"{value * f:.3g}") for f in factors]


def _half_of(number):
    return math.ceil(number / 2)
