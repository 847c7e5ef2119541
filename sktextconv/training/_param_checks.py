"""Checks of training parameters that a type annotation cannot express."""

from skorch.callbacks import Callback

from ..schedules import resolve_schedule
from ..utils._param_validation import NonNegative, accepts

__all__ = ["changed_params", "check_training_params"]


def check_training_params(estimator):
    """Raise `ValueError` if a parameter that controls training is invalid."""
    name = type(estimator).__name__
    if estimator.resume and estimator.checkpoint is None:
        raise ValueError(
            f"resume=True of {name} continues from a file, and checkpoint=None names "
            "none. Pass checkpoint=PATH."
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


def changed_params(before, now):
    """Return the sorted names of the parameters whose values differ."""
    return sorted(name for name in before if _differ(now[name], before[name]))


def _differ(value, other):
    if value is other:
        return False
    try:
        return bool(value != other)
    except ValueError:  # an array inside; only the same object counts as equal
        return True
