"""Validation of texts, labels and weights to train with."""

import numbers

import numpy as np
from sklearn.utils import check_consistent_length, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y

from ._labels import SWAPPED, check_labels, reject_swapped
from .validation import check_texts

__all__ = [
    "check_partial_fit_classes",
    "check_total_weight",
    "check_training_data",
    "class_weights",
]


def check_training_data(
    X, y, sample_weight, *, class_weight, required_by, classes=None
):
    """Check the arguments of `fit` and return them as arrays.

    Parameters
    ----------
    X, y, sample_weight
        As given to `fit`.
    class_weight : dict, "balanced" or None
    required_by : str
        Name of the estimator, for messages.
    classes : ndarray, default=None
        The sorted classes, if they are known before; None takes those of `y`.

    Returns
    -------
    texts : sequence of str
    classes : ndarray of shape (n_classes,)
    y_encoded : ndarray of int of shape (n_samples,)
    weights : ndarray of float64 of shape (n_samples,)
        Sample weight times class weight.
    """
    texts = _check_training_texts(X, y, required_by)
    if y is None:
        raise ValueError(
            f"This {required_by} estimator requires y to be passed, but the target y "
            "is None."
        )
    y = _check_y(check_labels(y), estimator=required_by)
    check_consistent_length(texts, y)
    reject_swapped(texts, y)
    check_classification_targets(y)
    if sample_weight is None:
        weights = np.ones(len(texts))
    else:
        weights = _check_weights(sample_weight, y)
    if classes is None:
        classes, y_encoded = np.unique(y, return_inverse=True)
    else:
        y_encoded = _encode_labels(y, classes)
    with np.errstate(over="ignore"):
        per_class = class_weights(class_weight, classes, y_encoded, weights)
        weights = weights * per_class[y_encoded]
    check_total_weight(weights)
    if len(classes) < 2:
        raise ValueError(
            f"{required_by} needs samples of at least 2 classes in the data, but the "
            f"data contains only one class: {classes.tolist()[0]!r}"
        )
    return texts, classes, y_encoded, weights


def _check_training_texts(X, y, required_by):
    try:
        return check_texts(X, required_by=required_by)
    except TypeError as error:
        # Numbers as texts, and texts as labels.
        if isinstance(_first(X), numbers.Real) and isinstance(_first(y), str):
            raise TypeError(f"{error} {SWAPPED}") from error
        raise


def _first(values):
    """Return the first of a sequence of values; None of anything else."""
    if isinstance(values, str) or not hasattr(values, "__len__"):
        return None
    try:
        return next(iter(values), None)
    except TypeError:  # an array without dimensions
        return None


def check_partial_fit_classes(classes, fitted_classes, *, required_by):
    """Return the classes of a call of `partial_fit`, sorted.

    Parameters
    ----------
    classes : array-like or None
        As given to `partial_fit`.
    fitted_classes : ndarray or None
        Those of the first call; None in the first call.
    required_by : str
        Name of the estimator, for messages.
    """
    first = fitted_classes is None
    if classes is None:
        if first:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return fitted_classes
    classes = np.unique(check_labels(classes, name="classes"))
    if first and len(classes) < 2:
        raise ValueError(
            f"{required_by} needs at least 2 classes, but classes holds "
            f"{'only one class' if len(classes) else 'none'}: {classes.tolist()}"
        )
    if not first and not np.array_equal(classes, fitted_classes):
        raise ValueError(
            "`classes=...` is not the same as on last call to partial_fit, "
            f"was: {fitted_classes}. Got {classes} instead."
        )
    return classes if first else fitted_classes


def _check_weights(sample_weight, y):
    try:
        return _check_sample_weight(
            sample_weight,
            # Only its length is used; a list of str would become an array.
            y,
            dtype=np.float64,
            copy=True,
            ensure_non_negative=True,
        )
    except (OverflowError, RuntimeError) as error:
        raise ValueError(
            f"Expected sample_weight to hold a number for each text, got: {error}."
        ) from error


def _encode_labels(y, classes):
    unseen = np.setdiff1d(y, classes)
    if len(unseen):
        raise ValueError(
            "`y` has classes not in `self.classes_`. `self.classes_` has "
            f"{classes}. `y` has {unseen} besides."
        )
    return np.searchsorted(classes, y)


def class_weights(class_weight, classes, y_encoded, weights):
    """Return the weight of each class; "balanced" counts rows by their weights."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        mass = np.bincount(y_encoded, weights, minlength=len(classes))
        ratio = np.divide(mass.sum(), mass, out=np.zeros_like(mass), where=mass > 0)
        return ratio / np.count_nonzero(mass)
    return compute_class_weight(class_weight, classes=classes, y=classes)


def check_total_weight(weights):
    """Raise `ValueError` unless weights of at least 0 have a sum to train with."""
    if not weights.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number, also after "
            "they are multiplied by class_weight."
        )
    limits = np.finfo(np.float32)
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not limits.tiny <= total <= limits.max:
        raise ValueError(
            f"Sample weights must sum to a number from {limits.tiny:.0e} to "
            f"{limits.max:.0e}, also after they are multiplied by class_weight. "
            "Divide them by the largest."
        )
