"""Result of a comparison: ranked models, their cells, and analyses of their errors."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._cell import Cell
from ._format import format_percent, format_seconds, join_names
from ._results import (
    Curve,
    Left,
    Result,
    TextErrors,
    estimate_error,
    flatten,
    probabilities_of,
    rank_models,
)
from ._statistics import Difference, Estimate, compare_errors

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ._display import ComparisonDisplay

__all__ = ["Comparison"]

_CHEAP = 10.0  # seconds; no one would choose a worse model to save less


class Comparison:
    """Result of `compare`.

    Attributes
    ----------
    results : list of Result
        Models that were tested on all divisions, by error, the lowest first.
    best : str
        Model with the lowest error.
    winner : str
        Cheapest model whose error is as low as that of `best`, within noise; the first
        of `as_good`.
    winner_estimator : estimator or None
        The winner, fitted to all texts; None if that failed or took too long.
    cells : list of Cell
        Result of each model on each division.
    left : list of Left
        Cells without a result, with the reasons.
    classes : ndarray of shape (n_classes,)
        Labels.

    Parameters
    ----------
    texts : sequence of str
        All texts, training texts included.
    y : ndarray of int of shape (n_texts,)
        Classes as rows of `classes`.
    classes : ndarray of shape (n_classes,)
    cells : list of Cell
    left : list of Left, default=()
    groups : ndarray of shape (n_texts,) or None, default=None
        Groups that are resampled as a whole.
    about : dict or None, default=None
        JSON-serializable description of data, settings, machine and versions.

    See Also
    --------
    compare : Trains and compares models.
    ComparisonDisplay : Draws the result.

    Examples
    --------
    >>> from sktextconv import compare, load_docstrings
    >>> docs = load_docstrings()
    >>> X, y = docs.data[:200], docs.target[:200]
    >>> comparison = compare(X, y, models=["tfidf", "ngrams-nb"], random_state=0)
    >>> comparison.summarize().startswith(f"The winner is {comparison.winner}: ")
    True
    >>> comparison.confusion().shape
    (5, 5)
    """

    def __init__(
        self,
        texts: Sequence[str],
        y: np.ndarray,
        classes: np.ndarray,
        cells: Iterable[Cell],
        left: Iterable[Left] = (),
        *,
        groups: np.ndarray | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.classes = classes
        self.cells: list[Cell] = list(cells)
        self.left: list[Left] = list(left)
        self.about: dict = about or {}
        self.winner_estimator: Any = None
        self._texts, self._y, self._groups = texts, np.asarray(y), groups
        self._full = self._complete_models()
        if not self._full:
            reasons = {f"{each.model}: {each.reason}" for each in self.left}
            raise RuntimeError(
                "Expected at least one model to be tested on all divisions of the "
                f"texts, got none ({'; '.join(sorted(reasons))}). Allow more time, or "
                "compare fewer or faster models."
            )
        # All models have the same test texts in the same order.
        first = next(iter(self._full.values()))
        self._rows = np.concatenate([cell.test for cell in first])
        self._predicted = {
            model: np.concatenate([cell.predicted for cell in cells])
            for model, cells in self._full.items()
        }
        self.results: list[Result] = rank_models(
            self._full, self._predicted, self._y[self._rows], self._units(self._rows)
        )
        self.best: str = self.results[0].model
        self.winner: str = self.as_good[0]

    # -----------------------------------------------------------------------
    # Ranking
    # -----------------------------------------------------------------------

    def _complete_models(self):
        """Return the full cells of the models that have all divisions, by model."""
        full = {}
        for cell in sorted(self.cells, key=lambda each: each.split):
            if cell.fraction == 1:
                full.setdefault(cell.model, []).append(cell)
        n_splits = max(map(len, full.values()), default=0)
        n_splits = max(n_splits, 1 + max((each.split for each in self.left), default=0))
        return {model: cells for model, cells in full.items() if len(cells) == n_splits}

    def _units(self, rows):
        """Return what is resampled as a whole for these rows; None for each text."""
        if self._groups is not None:
            return self._groups[rows]
        return None if len(np.unique(rows)) == len(rows) else rows

    @property
    def as_good(self) -> list[str]:
        """Models whose error is as low as the lowest, within noise, cheapest first.

        Costs below 10 s of CPU time count as equal; of these the lower error is first.
        """
        good = [result for result in self.results if result.is_as_good]
        good.sort(key=lambda each: (max(each.cpu_seconds.value, _CHEAP), each.error))
        return [result.model for result in good]

    def summarize(self) -> str:
        """Return the outcome in a few sentences, the winner first."""
        by_model = {result.model: result for result in self.results}
        best, winner = by_model[self.best], by_model[self.winner]
        cost = f"{format_seconds(winner.cpu_seconds.value)} of CPU time"
        text = f"The winner is {self.winner}: {_describe_error(winner)}"
        if len(self.results) == 1:
            text += f", after {cost}. There is no other to compare it with."
        elif self.winner != self.best:
            text += (
                f", after {cost}. {self.best} has the lowest error, "
                f"{_describe_error(best)}, after "
                f"{format_seconds(best.cpu_seconds.value)}, but the difference is "
                "within noise."
            )
        elif len(self.as_good) > 1:
            text += f", the lowest, after {cost}."
        else:
            text += f", after {cost}. All others are worse, beyond noise."
        others = [each for each in self.as_good if each not in (self.best, self.winner)]
        if others:
            verb = "is" if len(others) == 1 else "are"
            text += f" {join_names(others)} {verb} as good, within noise."
        missing = sorted({each.model for each in self.left} - by_model.keys())
        if missing:
            verb = "has" if len(missing) == 1 else "have"
            text += f" {join_names(missing)} {verb} no result."
        return text

    # -----------------------------------------------------------------------
    # Analyses
    # -----------------------------------------------------------------------

    def confusion(self, model: str | None = None) -> np.ndarray:
        """Return the confusion matrix of a model, by default of the winner.

        Returns
        -------
        counts : ndarray of int of shape (n_classes, n_classes)
            Rows are true classes, columns predicted ones.
        """
        predicted = self._predicted[self._check_model(model)]
        counts = np.zeros((len(self.classes),) * 2, dtype=np.int64)
        np.add.at(counts, (self._y[self._rows], predicted), 1)
        return counts

    def learning_curves(self) -> list[Curve]:
        """Return the error of each model by its number of training texts.

        A curve has more than one point if `train_sizes` was passed to `compare`.
        """
        return [
            Curve(result.model, self._learning_curve(result.model))
            for result in self.results
        ]

    def _learning_curve(self, model):
        points = []
        for cells in self._cells_by_fraction(model).values():
            n_train = statistics.mean(cell.record["n_train"] for cell in cells)
            predicted = [cell.predicted for cell in cells]
            points.append((n_train, self._error(cells, predicted)))
        return points

    def _cells_by_fraction(self, model):
        """Return the cells by fraction of training texts, if all divisions have it."""
        found = {}
        for cell in sorted(self.cells, key=lambda each: (each.fraction, each.split)):
            if cell.model == model:
                found.setdefault(cell.fraction, []).append(cell)
        n_splits = len(self._full[model])
        return {each: cells for each, cells in found.items() if len(cells) == n_splits}

    def noise_curves(self) -> list[Curve]:
        """Return the error of each model by the rate of typing errors in test texts.

        Empty unless `noise` was passed to `compare`.
        """
        curves = []
        for result in self.results:
            cells = self._full[result.model]
            rates = sorted(cells[0].noisy)
            if rates:
                points = [(0.0, result.error)]
                points += [
                    (rate, self._error(cells, [cell.noisy[rate] for cell in cells]))
                    for rate in rates
                ]
                curves.append(Curve(result.model, points))
        return curves

    def _error(self, cells, predicted):
        """Return the error of predictions, by cell, with its interval."""
        rows = np.concatenate([cell.test for cell in cells])
        wrong = np.concatenate(predicted) != self._y[rows]
        return estimate_error(wrong, self._units(rows))

    def learning_gain(self, model: str | None = None) -> Difference | None:
        """Return by how much the error fell between the last points of the curve.

        Parameters
        ----------
        model : str, default=None
            None takes the winner.

        Returns
        -------
        difference : Difference or None
            Error after the second largest number of training texts minus the error
            after all of them, on the same test texts. None if the curve has one point.
        """
        model = self._check_model(model)
        by_fraction = self._cells_by_fraction(model)
        if len(by_fraction) < 2:
            return None
        fewer, most = list(by_fraction.values())[-2:]
        wrong_fewer, wrong_most = (
            np.concatenate([cell.predicted != self._y[cell.test] for cell in cells])
            for cells in (fewer, most)
        )
        return compare_errors(wrong_most, wrong_fewer, groups=self._units(self._rows))

    def errors_by_class(self) -> dict[str, list[Estimate]]:
        """Return the error of each model on the test texts of each class."""
        y_true = self._y[self._rows]
        masks = [y_true == each for each in range(len(self.classes))]
        return self._errors_within(masks)

    def errors_by_length(
        self, n_bins: int = 4
    ) -> tuple[list[tuple[int, int]], dict[str, list[Estimate]]]:
        """Return the error of each model by the length of the texts.

        Returns
        -------
        bounds : list of (int, int)
            Shortest and longest text of each bin, in characters. Bins have about equal
            numbers of texts.
        errors : dict of str to list of Estimate
        """
        lengths = np.array([len(self._texts[row]) for row in self._rows])
        edges = np.unique(np.quantile(lengths, np.linspace(0, 1, n_bins + 1)))
        bins = np.searchsorted(edges[1:-1], lengths, side="left")
        masks = [bins == each for each in np.unique(bins)]
        bounds = [(int(lengths[m].min()), int(lengths[m].max())) for m in masks]
        return bounds, self._errors_within(masks)

    def _errors_within(self, masks):
        y_true = self._y[self._rows]
        found = {}
        for result in self.results:
            wrong = self._predicted[result.model] != y_true
            found[result.model] = [
                estimate_error(wrong[mask], self._units(self._rows[mask]))
                if mask.any()
                else Estimate(*[float("nan")] * 3)
                for mask in masks
            ]
        return found

    def disagreements(self, n: int = 10) -> list[TextErrors]:
        """Return the test texts with the most divided answers of the models."""
        answers = np.stack([*self._predicted.values()], axis=1)
        most = np.array([max(Counter(each).values()) for each in answers.tolist()])
        order = np.argsort(most, kind="stable")
        return self._describe([at for at in order if most[at] < answers.shape[1]], n)

    def label_errors(self, n: int = 10) -> list[TextErrors]:
        """Return the test texts whose labels are probably wrong.

        All models give the same answer, which is not the label, each time that the text
        is tested. The most confident come first.
        """
        answers = np.stack([*self._predicted.values()], axis=1)
        _, first, text = np.unique(self._rows, return_index=True, return_inverse=True)
        same = (answers == answers[first[text], :1]).all(axis=1)
        is_unlikely = ~same | (answers[:, 0] == self._y[self._rows])
        suspects = np.flatnonzero(np.bincount(text, is_unlikely)[text] == 0)
        confidence = self._mean_probabilities()
        if confidence is not None:
            given = confidence[suspects, answers[suspects, 0]]
            suspects = suspects[np.argsort(-given, kind="stable")]
        return self._describe(suspects, n)

    def _mean_probabilities(self):
        found = [probabilities_of(cells) for cells in self._full.values()]
        found = [each for each in found if each is not None]
        return np.mean(found, axis=0) if found else None

    def _describe(self, positions, n):
        probabilities = self._mean_probabilities()
        described, seen = [], set()
        for at in positions:
            row = int(self._rows[at])
            if row in seen:  # a text of several test sets
                continue
            seen.add(row)
            answers = {
                model: _plain(self.classes[each[at]])
                for model, each in self._predicted.items()
            }
            wrong = Counter(
                int(each[at])
                for each in self._predicted.values()
                if each[at] != self._y[row]
            )
            confidence = None
            if probabilities is not None and wrong:
                confidence = float(probabilities[at, wrong.most_common(1)[0][0]])
            label = _plain(self.classes[self._y[row]])
            described.append(
                TextErrors(row, self._texts[row], label, answers, confidence)
            )
            if len(described) == n:
                break
        return described

    def _check_model(self, model):
        model = self.winner if model is None else model
        if model not in self._predicted:
            raise ValueError(
                f"Expected one of {', '.join(map(repr, self._predicted))}, got "
                f"{model!r}."
            )
        return model

    # -----------------------------------------------------------------------
    # Output
    # -----------------------------------------------------------------------

    def to_records(self) -> list[dict[str, Any]]:
        """Return a flat dict for each model: figures, and the ends of intervals.

        Keys of intervals end with ``_low`` and ``_high``. Errors are fractions.
        """
        return [flatten(result) for result in self.results]

    def to_frame(self) -> "pd.DataFrame":
        """Return `to_records` as a DataFrame, indexed by the model.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame(self.to_records()).set_index("model")

    def to_json(self) -> str:
        """Return the results, the cells and the settings as JSON."""
        found = {
            "best": self.best,
            "winner": self.winner,
            "as_good": self.as_good,
            "summary": self.summarize(),
            "results": self.to_records(),
            "cells": [
                {"model": cell.model, "split": cell.split, "fraction": cell.fraction}
                | cell.record
                for cell in self.cells
            ],
            "left": [each._asdict() for each in self.left],
        }
        return json.dumps(found | self.about, indent=1, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the table and the summary as Markdown."""
        return _report().to_markdown(self)

    def to_html(self) -> str:
        """Return the report as one HTML page without scripts or other files."""
        return _report().to_html(self)

    def _repr_html_(self):
        return _report().to_html(self, fragment=True)

    def __repr__(self):
        return f"<Comparison of {len(self.results)} models: {self.summarize()}>"

    def plot(
        self,
        *,
        kind: Literal["cost", "learning", "noise", "confusion"] = "cost",
        ax: "Axes | None" = None,
    ) -> "ComparisonDisplay":
        """Draw a figure; see `ComparisonDisplay.from_comparison`."""
        from ._display import ComparisonDisplay

        return ComparisonDisplay.from_comparison(self, kind=kind, ax=ax)

    def write(self, folder: str | Path) -> None:
        """Write the report to a folder, which is created.

        Its files are report.html, report.md and report.json, and with matplotlib PNG
        and SVG files of the figures: comparison, learning_curves, typing_errors and
        confusion. Each replaces an older one atomically; figures of an older report
        that this comparison does not have are removed.

        Parameters
        ----------
        folder : path
        """
        _report().write(self, Path(folder))


def _report():
    """Return the module of the report, which is imported on first use."""
    from . import _report

    return _report


def _plain(value):
    """Return a NumPy scalar as a Python object."""
    return value.item() if isinstance(value, np.generic) else value


def _describe_error(result):
    value, low, high = map(format_percent, result.error)
    return f"{value} % error (95 % interval {low} to {high})"
