"""Evaluation report as text, as tables of 80 columns, and as JSON."""

import collections
import textwrap
from dataclasses import dataclass

import numpy as np

from ..comparison._statistics import metrics, wilson_interval
from ..inspection._highlight import to_printable
from ._tables import confusion_lines, display_width, pad_or_truncate

__all__ = [
    "Report",
    "comparison_lines",
    "describe_data",
    "describe_error",
    "make_report",
]

_LABEL_WIDTH = 32  # columns
_MODEL_WIDTH = 24

# Metrics besides the error: name in a report, and whether it is a fraction.
_METRICS = {
    "macro_f1": ("macro F1", True),
    "log_loss": ("log loss", False),
    "calibration_error": ("calibration error", True),
}


@dataclass(frozen=True)
class Report:
    """Error, metrics and confusion matrix of a model, and metrics of each class.

    Attributes
    ----------
    n_texts, n_wrong : int
        Number of texts and of misclassified texts.
    estimates : dict of str to Estimate
        Metrics with 95 % intervals.
    classes : list of dict
        Label, precision, recall, F1 and number of texts of each class; a metric that is
        undefined is None.
    confusion : ndarray of int of shape (n_classes, n_classes)
        Number of texts by true and predicted class.
    """

    n_texts: int
    n_wrong: int
    estimates: dict
    classes: list
    confusion: np.ndarray

    @property
    def labels(self):
        """Labels of the classes."""
        return [row["label"] for row in self.classes]

    def to_json(self):
        """Return the report as a JSON-serializable dict."""
        error, *interval = self.estimates["error"]
        found = {
            "n_texts": self.n_texts,
            "n_wrong": self.n_wrong,
            "error": error,
            "interval": interval,
        }
        for name in _METRICS:
            found[name], *found[f"{name}_interval"] = self.estimates[name]
        return found | {
            "classes": self.classes,
            "confusion_matrix": self.confusion.tolist(),
        }

    def to_lines(self):
        """Return the lines of the whole report."""
        lines = [describe_error(self.n_wrong, self.n_texts)]
        for title, value, interval in self.describe_metrics():
            lines.append(f"{title} {value} (95 % interval {interval})")
        lines += ["", *self.to_table()]
        confusion = confusion_lines(self.confusion, self.labels)
        return [*lines, *([""] if confusion else []), *confusion]

    def describe_metrics(self):
        """Yield title, value and interval of the metrics besides the error, as text."""
        for name, (title, is_fraction) in _METRICS.items():
            value, low, high = (
                f"{100 * each:.2f}" if is_fraction else f"{each:.4f}"
                for each in self.estimates[name]
            )
            yield title, f"{value} %" if is_fraction else value, f"{low} to {high}"

    def to_table(self):
        """Return the lines of a table with a header and a row per class."""
        labels = [*map(str, self.labels)]
        width = min(max(map(display_width, ["class", *labels])), _LABEL_WIDTH)
        lines = [f"{'class':<{width}}      texts  precision %  recall %   F1 %"]
        for label, row in zip(labels, self.classes, strict=True):
            shown = {
                name: "-" if row[name] is None else f"{100 * row[name]:.1f}"
                for name in ("precision", "recall", "f1")
            }
            label = pad_or_truncate(label, width)
            lines.append(
                f"{label}  {row['n_texts']:>9,}  {shown['precision']:>11}"
                f"  {shown['recall']:>8}  {shown['f1']:>5}"
            )
        return lines


def make_report(y_true, probabilities, labels):
    """Compute a report from true classes and predicted probabilities.

    Parameters
    ----------
    y_true : array-like of int of shape (n_texts,)
        Class indices.
    probabilities : array-like of shape (n_texts, n_classes)
        The most probable class is the predicted one.
    labels : list of shape (n_classes,)
        The label of each index.

    Returns
    -------
    report : Report
    """
    y_true, y_pred = np.asarray(y_true), np.argmax(probabilities, axis=1)
    n_classes = len(labels)
    cells = np.bincount(y_true * n_classes + y_pred, minlength=n_classes**2)
    confusion = cells.reshape(n_classes, n_classes)
    n_right, n_true, n_pred = (
        counts.tolist()
        for counts in (np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0))
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
    estimates = metrics(y_true, y_pred, probabilities)
    n_wrong = len(y_true) - sum(n_right)
    return Report(len(y_true), n_wrong, estimates, classes, confusion)


def comparison_lines(reports, best, differences):
    """Return the lines of a table of several models, and of one of differences.

    Parameters
    ----------
    reports : dict of str to Report
        Reports on the same texts, by the name of the model.
    best : str
        Name of the model with the lowest error.
    differences : dict of str to Difference
        Difference of the error of each other model to that of the best.
    """
    width = max(map(display_width, ["model", *reports]))
    width = min(width, _MODEL_WIDTH)
    shown = {name: pad_or_truncate(name, width, keep_end=True) for name in reports}
    lines = [
        f"{'model':<{width}}  error %    95 % interval  macro F1 %  log loss   ECE %"
    ]
    for name, report in reports.items():
        error, low, high = (100 * each for each in report.estimates["error"])
        f1, loss, calibration = (report.estimates[metric].value for metric in _METRICS)
        lines.append(
            f"{shown[name]}  {error:>7.2f}  {f'{low:.2f} to {high:.2f}':>15}"
            f"  {100 * f1:>10.2f}  {loss:>8.4f}  {100 * calibration:>6.2f}"
        )
    lines += [
        "",
        f"difference of the error to {shown[best].rstrip()}, in points:",
        f"{'model':<{width}}  difference      95 % interval   McNemar p",
    ]
    for name, difference in differences.items():
        value, low, high = (100 * each for each in difference[:3])
        p_value = difference.p_value
        p_shown = f"{p_value:.4f}" if p_value >= 1e-4 else "< 0.0001"
        lines.append(
            f"{shown[name]}  {value:>+10.2f}  {f'{low:+.2f} to {high:+.2f}':>17}"
            f"  {p_shown:>10}"
        )
    lines.append("")
    for verdict, is_within_noise in (
        ("As good as the best, within noise", True),
        ("Worse than the best, beyond noise", False),
    ):
        names = [
            name
            for name, difference in differences.items()
            if difference.is_within_noise(len(differences)) == is_within_noise
        ]
        if names:
            sentence = f"{verdict}: {', '.join(map(to_printable, names))}."
            lines += textwrap.wrap(sentence, 80, break_on_hyphens=False)
    return lines


def describe_data(path, labels):
    """Return the number of texts per class of a file, in one line."""
    counts = sorted(collections.Counter(labels).items())
    summary = f"{path}: {len(labels):,} texts of {len(counts)} classes"
    details = ", ".join(
        f"{to_printable(label)} {n_texts:,}" for label, n_texts in counts
    )
    if display_width(summary) + display_width(details) < 78:
        return f"{summary}: {details}"
    sizes = [n_texts for _, n_texts in counts]
    return f"{summary}, {min(sizes):,} to {max(sizes):,} in each"


def describe_error(n_wrong, n_texts):
    """Return the error with its 95 % interval, that of Wilson, in one line."""
    low, high = wilson_interval(n_wrong, n_texts)
    return (
        f"error {100 * n_wrong / n_texts:.2f} % "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f}), "
        f"{n_wrong:,} of {n_texts:,} texts"
    )


def _ratio(part, whole):
    return part / whole if whole else None
