"""Validation of labels."""

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d

from .validation import is_missing

__all__ = ["SWAPPED", "check_labels", "reject_swapped"]

_EXACT = 2**53  # floats represent all ints up to this

# Texts as labels: the fraction of rows that differ, and the words in most of them.
_DISTINCT_LABELS = 0.9
_WORDS_OF_LABEL = 3
SWAPPED = "Texts and labels seem to be swapped: pass the texts first, then the labels."


def check_labels(y, *, name="y"):
    """Return labels as an array that holds each as it was given.

    NumPy converts numbers mixed with strings to strings, drops trailing NULs and rounds
    large ints mixed with floats: two classes could become one.

    Parameters
    ----------
    y : array-like of shape (n,)
        All str, or all numbers.
    name : str, default="y"
        Name of the labels in messages.

    Returns
    -------
    labels : ndarray of shape (n,)

    Raises
    ------
    ValueError
        If a label is missing or infinite, or if `y` is not one-dimensional.
    TypeError
        If labels are neither all str nor all numbers.

    Warns
    -----
    DataConversionWarning
        If `y` is a column.

    Examples
    --------
    >>> check_labels(["a\\0", "a"])
    array(['a\\x00', 'a'], dtype=object)
    >>> check_labels(["a", 1])
    Traceback (most recent call last):
    TypeError: Unknown label type: expected y to be all str or all numbers...
    """
    if isinstance(y, np.ndarray) and y.dtype.kind == "T":
        y = y.astype(object)  # scikit-learn does not support StringDType
    try:
        labels = column_or_1d(y, warn=True)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"Expected {name} to hold one label for each text: {error}"
        ) from error
    if isinstance(y, np.ma.MaskedArray):
        _reject_missing(np.ma.getmaskarray(y).ravel(), name)
    kind = labels.dtype.kind
    if kind == "U" and not isinstance(y, np.ndarray):
        given = np.fromiter(y, dtype=object, count=len(labels))
        _check_str(given, name)
        return labels if np.array_equal(given, labels) else given
    if kind in "OS":
        _check_str(labels, name)
    elif kind == "f":
        assert_all_finite(labels, input_name=name)
        _check_exact(y, name)
    elif kind in "mM":
        _reject_missing(np.isnat(labels), name)
    return labels


def _check_str(labels, name):
    _reject_missing(np.fromiter(map(is_missing, labels), bool, len(labels)), name)
    for index, label in enumerate(labels):
        if not isinstance(label, str):
            raise _label_error(name, f"{type(label).__name__} at index {index}")


def _check_exact(y, name):
    for index, label in enumerate(y if isinstance(y, (list, tuple)) else ()):
        if isinstance(label, (int, np.integer)) and abs(int(label)) > _EXACT:
            raise _label_error(name, f"{label} beside floats, at index {index}")


def _reject_missing(missing, name):
    if missing.any():
        raise ValueError(
            f"Input {name} contains NaN or None (first at index {missing.argmax()}). "
            "Leave out the texts without a label."
        )


def _label_error(name, got):
    hint = (
        "Decode them"
        if got.startswith("bytes")
        else f"Convert them, for example with list(map(str, {name}))"
    )
    return TypeError(
        f"Unknown label type: expected {name} to be all str or all numbers of 64 bits, "
        f"got {got}. {hint}."
    )


def reject_swapped(texts, y):
    """Raise `ValueError` if labels look like texts, and texts like labels.

    Then nearly every row has a label of its own, of several words, and texts repeat.
    """
    n_rows, labels = len(y), set(y.tolist())
    if len(labels) < _DISTINCT_LABELS * n_rows or y.dtype.kind not in "UO":
        return
    n_long = sum(len(label.split()) > _WORDS_OF_LABEL for label in labels)
    n_texts = len(set(texts))
    if 2 * n_long > n_rows and 2 * n_texts <= n_rows:
        raise ValueError(
            f"Expected labels that several texts share, got {len(labels):,} labels for "
            f"{n_texts:,} different texts, and most labels have more than "
            f"{_WORDS_OF_LABEL} words. {SWAPPED}"
        )
