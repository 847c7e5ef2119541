"""Search of `train --search`: the selection of comparisons, printed."""

import math

from sklearn.pipeline import Pipeline

from ..comparison._rows import ROWS
from ..comparison._selection import (
    GRIDS,
    VALIDATION_FRACTION,
    find_best,
    list_candidates,
    select_parameters,
)
from ..utils._fit import last_step
from ._inputs import check_split
from ._models import ONLINE_MODELS
from ._output import print_line

__all__ = ["search_parameters"]


def search_parameters(estimator, name, texts, labels, *, given, seed):
    """Set the parameters with the lowest error on a part of the training texts.

    Parameters
    ----------
    estimator : estimator or Pipeline
        Unfitted model; its parameters are changed.
    name : str
        Its name, a key of `MODELS`.
    texts, labels : list of str and ndarray of str of shape (n_texts,)
        Training texts; no others are used.
    given : collection of str
        Parameters that are not searched.
    seed : int
        Seed of the split of the texts.

    Returns
    -------
    remark : str
        A sentence on the search.

    Raises
    ------
    ValueError
        If there is nothing to search, or there are too few texts.
    ArithmeticError
        If no candidate can be trained, because all diverge.
    """
    grid = _make_grid(estimator, name, given)
    check_split(
        "--search",
        labels,
        VALIDATION_FRACTION,
        option="--search",
        advice="leave out --search",
    )
    candidates = list_candidates(last_step(estimator), grid)
    n_valid = math.ceil(VALIDATION_FRACTION * len(texts))
    settings = f"{len(candidates)} settings of {', '.join(candidates[0])}"
    print_line(
        f"search over {settings}: {len(texts) - n_valid:,} texts to train on, "
        f"{n_valid:,} to choose by"
    )
    tried = select_parameters(
        estimator, grid, texts, labels, seed=seed, report=_print_trial
    )
    best = find_best(tried)
    if best is None:
        raise ArithmeticError(
            f"--search: the training of all {settings} diverged; pass a smaller "
            "learning rate with --set learning_rate=VALUE."
        )
    chosen = _describe(best["params"])
    print_line(
        f"chose {chosen} (error {best['error']:.2f} %); training on all "
        f"{len(texts):,} texts"
    )
    return (
        f"The search left out {n_valid:,} of the training texts to compare {settings} "
        f"by their errors, and chose {chosen}."
    )


def _make_grid(estimator, name, given):
    """Return the values to try: those of comparisons, and the default of C."""
    if name in ONLINE_MODELS:
        raise ValueError(
            f"--search: expected a network or a linear model with C, got {name}; leave "
            "out --search, and set parameters with --set."
        )
    grid = dict(ROWS[name].grid if name in ROWS else GRIDS["network"])
    if isinstance(estimator, Pipeline):
        default = estimator[-1].C
        grid["C"] = [*([] if default in grid["C"] else [default]), *grid["C"]]
    left = {key: values for key, values in grid.items() if key not in given}
    if not list_candidates(last_step(estimator), left):
        raise ValueError(
            f"--search: expected a parameter to search among {', '.join(grid)}, but "
            "--set gives all of them; leave out --search or one of them."
        )
    return left


def _print_trial(trial):
    n_epochs = trial.get("max_epochs")
    start = ""
    if n_epochs is not None:
        start = f"{n_epochs:>3} {'epochs' if n_epochs > 1 else 'epoch '}  "
    print_line(f"  {start}{_describe(trial['params'])}  {_describe_score(trial)}")


def _describe(params):
    return " ".join(f"{name}={value}" for name, value in params.items())


def _describe_score(trial):
    if trial["error"] is None:
        return "diverged"
    score = f"error {trial['error']:.2f} %"
    return (
        f"{score}  log loss {trial['log_loss']:.4f}" if "log_loss" in trial else score
    )
