"""Most confused pairs of classes."""

import numpy as np

__all__ = ["find_confused"]


def find_confused(counts, labels, n):
    """Return the most confused pairs of classes.

    Parameters
    ----------
    counts : ndarray of int of shape (n_classes, n_classes)
        Number of texts by true and predicted class.
    labels : sequence of shape (n_classes,)
    n : int
        Number of pairs at most; pairs that are never confused are left out.

    Returns
    -------
    pairs : list of (label, label, int, float)
        True class, predicted class, number of texts, and their fraction of the texts
        of the true class.
    """
    errors = counts - np.diag(np.diag(counts))
    order = np.argsort(-errors, axis=None, kind="stable")[:n]
    pairs = zip(*np.unravel_index(order, errors.shape), strict=True)
    return [
        (
            labels[true],
            labels[predicted],
            int(errors[true, predicted]),
            float(errors[true, predicted] / counts[true].sum()),
        )
        for true, predicted in pairs
        if errors[true, predicted]
    ]
