"""Seeds and fit of any estimator."""

import contextlib
import warnings

from sklearn.pipeline import Pipeline

__all__ = [
    "NO_CHECKPOINT",
    "fit_model",
    "forget_file",
    "last_step",
    "set_seeds",
    "unchanged_on_error",
]

# Parameters of a trial training of a network: a checkpoint belongs to the training that
# its user calls.
NO_CHECKPOINT = {"checkpoint": None, "resume": False}


def fit_model(model, X, y):
    """Fit a model and return it; Ctrl-C raises `KeyboardInterrupt` for a network too.

    `fit` of a network returns the model with a warning, although training is
    incomplete.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training interrupted by user")
        model.fit(X, y)
    if getattr(getattr(last_step(model), "net_", None), "interrupted", False):
        raise KeyboardInterrupt
    return model


def forget_file(estimator):
    """Remove what an estimator has saved of the file of its earlier training texts."""
    for name in ("columns_", "examples_"):
        vars(estimator).pop(name, None)


def last_step(estimator):
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def set_seeds(estimator, seed, *, replace=False):
    """Set the parameters `random_state` of an estimator and of its steps.

    Parameters
    ----------
    estimator : estimator
        It is changed.
    seed : int
    replace : bool, default=False
        Whether to replace values other than None.
    """
    seeds = {
        name: seed
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] == "random_state" and (replace or value is None)
    }
    estimator.set_params(**seeds)


@contextlib.contextmanager
def unchanged_on_error(estimator):
    """Restore the attributes of an estimator if the block fails or is interrupted.

    The block may replace attributes, but not change their values.
    """
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
