"""Evaluation report as text, as a table of 80 columns, and as JSON."""

import collections
import itertools
import math
import unicodedata
from dataclasses import dataclass

import numpy as np

from ..inspection._highlight import to_printable

__all__ = ["Report", "describe_data", "describe_error", "make_report"]

_LABEL_WIDTH = 32  # columns
_NORMAL_QUANTILE = 1.959963984540054  # of 97.5 %, for intervals of 95 %


@dataclass(frozen=True)
class Report:
    """Error and metrics of each class.

    Attributes
    ----------
    n_texts, n_wrong : int
        Number of texts and of misclassified texts.
    classes : list of dict
        Label, precision, recall, F1 and number of texts of each class; a metric that is
        undefined is None.
    """

    n_texts: int
    n_wrong: int
    classes: list

    def to_json(self):
        """Return the report as a JSON-serializable dict."""
        error, low, high = _error_interval(self.n_wrong, self.n_texts)
        return {
            "n_texts": self.n_texts,
            "n_wrong": self.n_wrong,
            "error": error,
            "interval": [low, high],
            "classes": self.classes,
        }

    def to_table(self):
        """Return the lines of a table with a header and a row per class."""
        labels = [str(row["label"]) for row in self.classes]
        width = min(max(map(_display_width, ["class", *labels])), _LABEL_WIDTH)
        lines = [f"{'class':<{width}}      texts  precision %  recall %   F1 %"]
        for label, row in zip(labels, self.classes, strict=True):
            shown = {
                name: "-" if row[name] is None else f"{100 * row[name]:.1f}"
                for name in ("precision", "recall", "f1")
            }
            label = _pad_or_truncate(label, width)
            lines.append(
                f"{label}  {row['n_texts']:>9,}  {shown['precision']:>11}"
                f"  {shown['recall']:>8}  {shown['f1']:>5}"
            )
        return lines


def make_report(y_true, y_pred, labels):
    """Compute a report from true and predicted classes.

    Parameters
    ----------
    y_true, y_pred : array-like of int of shape (n_texts,)
        Class indices.
    labels : list of shape (n_classes,)
        The label of each index.

    Returns
    -------
    report : Report
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    n_classes = len(labels)
    n_right, n_true, n_pred = (
        np.bincount(indices, minlength=n_classes).tolist()
        for indices in (y_true[y_true == y_pred], y_true, y_pred)
    )
    classes = [
        {
            "label": label,
            "precision": _ratio(right, predicted),
            "recall": _ratio(right, actual),
            "f1": _ratio(2 * right, predicted + actual),
            "n_texts": actual,
        }
        for label, right, actual, predicted in zip(
            labels, n_right, n_true, n_pred, strict=True
        )
    ]
    n_wrong = int(np.not_equal(y_true, y_pred).sum())
    return Report(len(y_true), n_wrong, classes)


def describe_data(path, labels):
    """Return the number of texts per class of a file, in one line."""
    counts = sorted(collections.Counter(labels).items())
    summary = f"{path}: {len(labels):,} texts of {len(counts)} classes"
    details = ", ".join(
        f"{to_printable(label)} {n_texts:,}" for label, n_texts in counts
    )
    if _display_width(summary) + _display_width(details) < 78:
        return f"{summary}: {details}"
    sizes = [n_texts for _, n_texts in counts]
    return f"{summary}, {min(sizes):,} to {max(sizes):,} in each"


def describe_error(n_wrong, n_texts):
    """Return the error with its confidence interval, in one line."""
    error, low, high = (
        100 * fraction for fraction in _error_interval(n_wrong, n_texts)
    )
    return (
        f"error {error:.2f} % (95 % interval {low:.2f} to {high:.2f}), "
        f"{n_wrong:,} of {n_texts:,} texts"
    )


def _ratio(part, whole):
    return part / whole if whole else None


def _error_interval(n_wrong, n_texts):
    """Return the error rate and its 95 % Wilson interval, which is valid at 0 too."""
    # The import of SciPy for it would take longer than a prediction.
    error, z = n_wrong / n_texts, _NORMAL_QUANTILE
    center = error + z * z / (2 * n_texts)
    half = z * math.sqrt((error * (1 - error) + z * z / (4 * n_texts)) / n_texts)
    scale = 1 + z * z / n_texts
    low, high = (center - half) / scale, (center + half) / scale
    # Rounding must not exclude an error of 0 or 1.
    return error, min(max(low, 0.0), error), max(min(high, 1.0), error)


def _pad_or_truncate(text, width):
    """Pad or truncate a text to a width in terminal columns."""
    text = " ".join(to_printable(text).split())
    if _display_width(text) > width:
        ends = itertools.accumulate(map(_display_width, text))
        text = "".join(c for c, end in zip(text, ends, strict=True) if end < width)
        text += "…"
    return text + " " * (width - _display_width(text))


def _display_width(text):
    """Return the width of a text in terminal columns."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
