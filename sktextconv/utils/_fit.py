"""Fit of any estimator: Ctrl-C raises an error."""

import warnings

from sklearn.pipeline import Pipeline

__all__ = ["fit_model", "last_step"]


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


def last_step(estimator):
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator
