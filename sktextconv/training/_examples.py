"""Training and validation examples."""

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from ..utils.validation import TextSequence

__all__ = ["split_examples", "take_rows"]


def split_examples(texts, classes, y_encoded, weights, *, fraction, rng):
    """Return training and validation examples, each with weights of mean 1.

    Parameters
    ----------
    texts, classes, y_encoded, weights
        As returned by `check_training_data`. Rows of weight 0 are dropped.
    fraction : float or None
        Fraction of the rows for validation, stratified by class.
    rng : RandomState
        Draws the seed of the split.

    Returns
    -------
    examples : tuple of texts, encoded labels and weights
    valid : tuple of texts, encoded labels and weights, or None
        None if `fraction` is.
    """

    def take(rows):
        return take_rows(rows, texts, y_encoded, weights / weights[rows].mean())

    rows = np.flatnonzero(weights)
    if fraction is None:
        return take(rows), None
    seed = rng.randint(2**31)
    rows, valid_rows = _split_rows(rows, classes, y_encoded, fraction, seed)
    return take(rows), take(valid_rows)


def _split_rows(rows, classes, y_encoded, fraction, seed):
    splitter = StratifiedShuffleSplit(
        n_splits=1, test_size=float(fraction), random_state=seed
    )
    try:
        train, valid = next(splitter.split(rows, y_encoded[rows]))
    except ValueError as error:
        counts = np.bincount(y_encoded[rows], minlength=len(classes))
        rarest = classes.tolist()[counts.argmin()]
        raise ValueError(
            f"{error} early_stopping=True sets validation_fraction={fraction} of "
            f"{len(rows)} texts aside, and class {rarest!r} has {counts.min()}. Add "
            "texts, change validation_fraction, or set early_stopping=False."
        ) from error
    return rows[train], rows[valid]


def take_rows(rows, texts, y_encoded, weights):
    """Return the selected rows of texts, encoded labels and weights."""
    if isinstance(texts, TextSequence):
        return texts[rows], y_encoded[rows], weights[rows]
    return [texts[row] for row in rows], y_encoded[rows], weights[rows]
