"""How well a classifier did, in words, as a table of 80 columns, and as JSON."""

import collections
import itertools
import unicodedata
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from ..inspection._highlight import visible

__all__ = ["Report", "describe_data", "describe_error", "make_report"]

_LABEL_WIDTH = 32  # columns
_FIGURES = ("precision", "recall", "f1", "n_texts")


@dataclass(frozen=True)
class Report:
    """How well labels were predicted.

    Attributes
    ----------
    n_texts, n_wrong : int
    classes : list of dict
        Label, precision, recall, F1 and number of texts of each class; a figure of no
        text is None.
    """

    n_texts: int
    n_wrong: int
    classes: list

    def to_json(self):
        """Return plain values."""
        error, low, high = _error(self.n_wrong, self.n_texts)
        return {
            "n_texts": self.n_texts,
            "n_wrong": self.n_wrong,
            "error": error,
            "interval": [low, high],
            "classes": self.classes,
        }

    def to_table(self):
        """Return the lines of a table with a row for each class."""
        labels = [str(row["label"]) for row in self.classes]
        width = min(max(map(_width, ["class", *labels])), _LABEL_WIDTH)
        lines = [f"{'class':<{width}}      texts  precision %  recall %   F1 %"]
        for label, row in zip(labels, self.classes, strict=True):
            shown = {
                name: "-" if row[name] is None else f"{100 * row[name]:.1f}"
                for name in ("precision", "recall", "f1")
            }
            lines.append(
                f"{_fit(label, width)}  {row['n_texts']:>9,}  {shown['precision']:>11}"
                f"  {shown['recall']:>8}  {shown['f1']:>5}"
            )
        return lines


def make_report(truth, predicted, labels):
    """Compare predictions with the truth.

    Parameters
    ----------
    truth, predicted : array-like of int of shape (n_texts,)
        Codes of classes.
    labels : list of shape (n_classes,)
        The label that each code stands for.

    Returns
    -------
    report : Report
    """
    figures = precision_recall_fscore_support(
        truth, predicted, labels=range(len(labels)), zero_division=np.nan
    )
    rows = zip(*(figure.tolist() for figure in figures), strict=True)
    classes = [
        {"label": label}
        # A NaN, which JSON has not, differs from itself.
        | {k: v if v == v else None for k, v in zip(_FIGURES, row, strict=True)}
        for label, row in zip(labels, rows, strict=True)
    ]
    n_wrong = int(np.not_equal(truth, predicted).sum())
    return Report(len(truth), n_wrong, classes)


def describe_data(path, labels):
    """Return in one line how many texts of which classes a file has."""
    counts = sorted(collections.Counter(labels).items())
    start = f"{path}: {len(labels):,} texts of {len(counts)} classes"
    listed = ", ".join(f"{visible(label)} {n_texts:,}" for label, n_texts in counts)
    if _width(start) + _width(listed) < 78:
        return f"{start}: {listed}"
    sizes = [n_texts for _, n_texts in counts]
    return f"{start}, {min(sizes):,} to {max(sizes):,} in each"


def describe_error(n_wrong, n_texts):
    """Return the error with its interval, in one line."""
    error, low, high = (100 * share for share in _error(n_wrong, n_texts))
    return (
        f"error {error:.2f} % (95 % interval {low:.2f} to {high:.2f}), "
        f"{n_wrong:,} of {n_texts:,} texts"
    )


def _error(n_wrong, n_texts):
    """The share of errors, and the ends of Wilson's interval, which holds at 0 too."""
    interval = binomtest(n_wrong, n_texts).proportion_ci(method="wilson")
    return n_wrong / n_texts, float(interval.low), float(interval.high)


def _fit(text, width):
    """Cut or fill a text to a width in columns."""
    text = " ".join(visible(text).split())
    if _width(text) > width:
        ends = itertools.accumulate(map(_width, text))
        text = "".join(c for c, end in zip(text, ends, strict=True) if end < width)
        text += "…"
    return text + " " * (width - _width(text))


def _width(text):
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
