"""Checks of training parameters that a type annotation cannot express."""

import os

import numpy as np
from skorch.callbacks import Callback

from ..schedules import resolve_schedule
from ..utils._param_validation import NonNegative, accepts

__all__ = ["check_partial_fit_params", "check_training_params", "check_warm_start"]


def check_training_params(estimator):
    """Raise `ValueError` if a parameter that controls training is invalid."""
    name = type(estimator).__name__
    if estimator.resume and estimator.checkpoint is None:
        raise ValueError(
            f"resume=True of {name} needs a file to resume from, but checkpoint is "
            "None. Pass checkpoint=PATH."
        )
    if estimator.schedule is not None:
        resolve_schedule(estimator.schedule)
    augmenter = estimator.augmenter
    if augmenter is not None and not hasattr(augmenter, "augment"):
        raise ValueError(
            f"The 'augmenter' parameter of {name} must be None or an object with a "
            "method augment(texts, seed=, epoch=), such as a SynonymReplacer. Got "
            f"{augmenter!r} instead."
        )
    memory = estimator.memory
    if not (
        memory is None
        or (isinstance(memory, (str, os.PathLike)) and str(memory))
        or hasattr(memory, "cache")
    ):
        raise ValueError(
            f"The 'memory' parameter of {name} must be None, the path of a folder or a "
            f"joblib.Memory. Got {memory!r} instead."
        )
    for callback in estimator.callbacks or ():
        if not isinstance(callback, Callback):
            raise ValueError(
                f"The 'callbacks' parameter of {name} must be None or a list of "
                f"callbacks of skorch. Got {callback!r} in it."
            )
    if isinstance(estimator.class_weight, dict):
        for label, weight in estimator.class_weight.items():
            if not accepts(NonNegative, weight):
                raise ValueError(
                    f"The 'class_weight' parameter of {name} must hold a float in the "
                    f"range [0.0, inf) for each class. Got {weight!r} for {label!r}."
                )


def check_partial_fit_params(estimator):
    """Raise `ValueError` if a parameter is not supported by `partial_fit`."""
    if estimator.early_stopping:
        raise ValueError(
            "partial_fit does not support early_stopping=True of "
            f"{type(estimator).__name__}. Set early_stopping=False or use fit."
        )
    if isinstance(estimator.class_weight, str):
        raise ValueError(
            "class_weight 'balanced' is not supported for partial_fit, which does "
            "not see all labels at once. Pass a dict of weights instead."
        )


def check_warm_start(estimator, classes):
    """Raise `ValueError` if other classes or parameters rule out a warm start."""
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. Previously got {estimator.classes_}, `y` has "
            f"{classes}."
        )
    before, now = estimator._init_params, estimator.get_params(deep=False)
    # None agrees with the value that was derived in `fit`: deriving it again would need
    # the file of word vectors, which may be gone.
    derived = {name for name in estimator._derived_parameters if now[name] is None}
    changed = sorted(
        name
        for name in before
        if name not in derived and _differ(now[name], before[name])
    )
    if changed:
        raise ValueError(
            "warm_start=True continues with the fitted network, so "
            f"{' and '.join(changed)} cannot change. Restore the previous value or "
            "set warm_start=False."
        )


def _differ(value, other):
    if value is other:
        return False
    try:
        return bool(value != other)
    except ValueError:  # an array inside; only the same object counts as equal
        return True
