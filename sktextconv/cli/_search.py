"""Search of `train --search`: a small grid, of networks by halving over epochs."""

import itertools
import math
import warnings
from collections import Counter

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from ._models import fit_model
from ._output import print_line

__all__ = ["GRIDS", "search_parameters"]

# Values to try of each parameter; of C and the learning rate, multiples of the default.
GRIDS = {
    "linear model": {"C": (0.1, 0.3, 1.0, 3.0, 10.0)},
    "network": {"learning_rate": (0.3, 1.0, 3.0), "dropout": (0.2, 0.5)},
}
# Networks train for these fractions of `max_epochs`; half of them remain each time.
_ROUNDS = (0.25, 0.5)
_CHOICE_FRACTION = 0.2  # of the training texts, to choose by


def search_parameters(make, texts, labels, *, given, seed):
    """Choose parameters by the error on a part of the training texts.

    Parameters
    ----------
    make : callable
        Function of a dict of parameters that returns an unfitted model.
    texts, labels : list of str and ndarray of str of shape (n_texts,)
        Training texts; no others are used.
    given : collection of str
        Parameters that are not searched.
    seed : int
        Seed of the split of the texts.

    Returns
    -------
    parameters : dict of str to object
        The parameters that were chosen.
    remark : str
        A sentence on the search.

    Raises
    ------
    ValueError
        If there is nothing to search, or there are too few texts.
    """
    candidates = _list_candidates(make({}), given)
    parts = _split(texts, labels, seed)
    names = ", ".join(dict.fromkeys(itertools.chain(*candidates)))
    print_line(
        f"search over {len(candidates)} settings of {names}: {len(parts[0]):,} texts "
        f"to train on, {len(parts[1]):,} to choose by"
    )
    scores = _try_linear if isinstance(make({}), Pipeline) else _try_networks
    chosen, (error, _) = scores(make, candidates, parts)
    print_line(
        f"chose {_describe(chosen)} (error {100 * error:.2f} %); training on all "
        f"{len(texts):,} texts"
    )
    remark = (
        f"The search left out {len(parts[1]):,} of the training texts to compare "
        f"{len(candidates)} settings of {names} by their errors, and chose "
        f"{_describe(chosen)}."
    )
    return chosen, remark


def _list_candidates(default, given):
    """Return the dicts of parameters to try."""
    params = default.get_params()
    if isinstance(default, Pipeline):
        grid = GRIDS["linear model"]
    else:
        grid = dict(GRIDS["network"])
        rate = default._recipes[default.recipe].learning_rate
        grid["learning_rate"] = _multiply(rate, grid["learning_rate"])
        grid = {name: values for name, values in grid.items() if name in params}
    left = {name: values for name, values in grid.items() if name not in given}
    if not left:
        raise ValueError(
            f"--search: expected a parameter to search among {', '.join(grid)}, but "
            "--set gives all of them; leave out --search or one of them."
        )
    return [
        dict(zip(left, values, strict=True))
        for values in itertools.product(*left.values())
    ]


def _split(texts, labels, seed):
    """Return texts to train on and to choose by, and the labels of both."""
    counts = Counter(labels.tolist())
    n_chosen = math.ceil(_CHOICE_FRACTION * len(texts))
    if min(counts.values()) < 2 or n_chosen < len(counts):
        raise ValueError(
            "--search: expected 2 training texts or more of each class, and 5 times as "
            f"many texts as classes, got {len(texts)} texts of {len(counts)} classes, "
            f"{min(counts.values())} of the smallest one."
        )
    return train_test_split(
        texts, labels, test_size=n_chosen, stratify=labels, random_state=seed
    )


def _multiply(value, factors):
    """Return multiples of a value, rounded, except the value itself."""
    return [value if f == 1 else float(f"{value * f:.3g}") for f in factors]


def _try_linear(make, candidates, parts):
    """Return the best candidate and its score; features are computed once."""
    texts, chosen_by, labels, y_true = parts
    *steps, (_, classifier) = make({}).steps
    features = Pipeline(steps)
    X, X_valid = features.fit_transform(texts, labels), features.transform(chosen_by)
    default = classifier.C
    if default == "auto":
        default = clone(classifier).fit(X, labels).C_
    values = _multiply(default, (candidate["C"] for candidate in candidates))
    # The default may be a word that stands for another number for all texts.
    candidates = [
        {"C": classifier.C if value == default else value} for value in values
    ]
    scores = []
    for candidate in candidates:
        model = clone(classifier).set_params(**candidate)
        scores.append(_score(model, X, labels, X_valid, y_true))
        print_line(f"  {_describe(candidate)}  {_describe_score(scores[-1])}")
    best = min(range(len(candidates)), key=scores.__getitem__)
    return candidates[best], scores[best]


def _try_networks(make, candidates, parts):
    """Return the best candidate and its score, by successive halving."""
    texts, chosen_by, labels, y_true = parts
    n_epochs = make({}).max_epochs
    rounds = sorted({max(round(n_epochs * fraction), 1) for fraction in _ROUNDS})
    # A checkpoint belongs to the training that follows.
    fixed = {"verbose": 0, "checkpoint": None, "resume": False}
    for n_epochs in rounds:
        scores = []
        for candidate in candidates:
            model = make(fixed | candidate | {"max_epochs": n_epochs})
            scores.append(_score(model, texts, labels, chosen_by, y_true))
            epochs = f"{n_epochs:>3} {'epochs' if n_epochs > 1 else 'epoch '}"
            shown = f"{_describe(candidate)}  {_describe_score(scores[-1])}"
            print_line(f"  {epochs}  {shown}")
        order = sorted(range(len(candidates)), key=scores.__getitem__)
        order = order[: math.ceil(len(candidates) / 2)]
        candidates = [candidates[index] for index in order]
        best_score = scores[order[0]]
    return candidates[0], best_score


def _score(model, X, labels, X_valid, y_true):
    """Return the error and log loss of a model, infinite if its training diverges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit_model(model, X, labels)
            probabilities = model.predict_proba(X_valid)
        except ArithmeticError:
            return math.inf, math.inf
    columns = np.searchsorted(model.classes_, y_true)
    right = probabilities[np.arange(len(y_true)), columns]
    error = np.mean(probabilities.argmax(axis=1) != columns)
    return float(error), float(-np.log(right.clip(1e-15)).mean())


def _describe(candidate):
    return " ".join(f"{name}={value}" for name, value in candidate.items())


def _describe_score(score):
    error, loss = score
    if math.isinf(error):
        return "diverged"
    return f"error {100 * error:.2f} %  log loss {loss:.4f}"
