"""Figures of the models of a comparison, ranked by their error."""

import statistics
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._statistics import (
    Difference,
    Estimate,
    compare_errors,
    metrics,
    wilson_interval,
)

__all__ = [
    "Curve",
    "Left",
    "Result",
    "TextErrors",
    "estimate_error",
    "flatten",
    "probabilities_of",
    "rank_models",
]


@dataclass(frozen=True)
class Result:
    """Figures of one model over all divisions of the texts.

    Attributes
    ----------
    model : str
    error, macro_f1 : Estimate
        Fractions from 0 to 1 with 95 % intervals.
    log_loss, calibration_error : Estimate or None
        None if the model has no probabilities.
    difference : Difference or None
        Error minus that of the model with the lowest error, on the same texts, with
        its interval and the p-value of McNemar's exact test; None for that model.
    is_as_good : bool
        Whether the error is as low as the lowest, within noise; see `compare`.
    cpu_seconds : Estimate
        CPU time of selection and training: mean, lowest and highest of the divisions.
    texts_per_second : Estimate
        Texts predicted together, by second of CPU time; as above.
    milliseconds_per_text : Estimate
        CPU time of the prediction of a single text; as above.
    megabytes : Estimate
        Size of the saved model, 10^6 bytes; as above.
    """

    model: str
    error: Estimate
    macro_f1: Estimate
    log_loss: Estimate | None
    calibration_error: Estimate | None
    difference: Difference | None
    is_as_good: bool
    cpu_seconds: Estimate
    texts_per_second: Estimate
    milliseconds_per_text: Estimate
    megabytes: Estimate


class Curve(NamedTuple):
    """Error of a model at several values of a setting.

    `points` has pairs of a value and the `Estimate` of the error, as a fraction.
    """

    model: str
    points: list[tuple[float, Estimate]]


class TextErrors(NamedTuple):
    """Text with the answers of the models.

    Attributes
    ----------
    row : int
        Row of the text in `X`.
    text : str
    label : object
        Label of the text.
    answers : dict of str to object
        Predicted label by model.
    confidence : float or None
        Mean probability of the most frequent wrong answer; None without probabilities.
    """

    row: int
    text: str
    label: Any
    answers: dict[str, Any]
    confidence: float | None


class Left(NamedTuple):
    """Cell without a result: its model, division, fraction and the reason."""

    model: str
    split: int
    fraction: float
    reason: str


def rank_models(cells_of, predicted, y_true, units):
    """Return the `Result` of each model, by error.

    Parameters
    ----------
    cells_of : dict of str to list of Cell
        Cells by model, in the same order of divisions for all.
    predicted : dict of str to ndarray of int of shape (n_samples,)
        Predicted classes of the test texts of all divisions.
    y_true : ndarray of int of shape (n_samples,)
        Classes of the test texts of all divisions.
    units : ndarray of shape (n_samples,) or None
        Texts with the same value are resampled together.
    """
    wrong = {model: each != y_true for model, each in predicted.items()}
    order = sorted(wrong, key=lambda model: wrong[model].mean())
    best = order[0]
    results = []
    for model in order:
        difference, is_as_good = None, True
        if model != best:
            difference = compare_errors(wrong[best], wrong[model], groups=units)
            is_as_good = difference.is_within_noise(len(order) - 1)
        cells = cells_of[model]
        found = metrics(y_true, predicted[model], probabilities_of(cells), groups=units)
        result = Result(
            model=model,
            error=found["error"],
            macro_f1=found["macro_f1"],
            log_loss=found.get("log_loss"),
            calibration_error=found.get("calibration_error"),
            difference=difference,
            is_as_good=is_as_good,
            cpu_seconds=_spread(
                cells, lambda r: r["select_cpu_seconds"] + r["train_cpu_seconds"]
            ),
            texts_per_second=_spread(cells, lambda r: r["texts_per_cpu_second"]),
            milliseconds_per_text=_spread(cells, lambda r: r["milliseconds_per_text"]),
            megabytes=_spread(cells, lambda r: r["bytes"] / 1e6),
        )
        results.append(result)
    return results


def estimate_error(wrong, units):
    """Return the error of some texts with its interval, as in `metrics`."""
    if units is None:
        n_wrong = int(np.count_nonzero(wrong))
        return Estimate(n_wrong / len(wrong), *wilson_interval(n_wrong, len(wrong)))
    return metrics(np.zeros(len(wrong), int), 1 * wrong, groups=units)["error"]


def probabilities_of(cells):
    """Return the probabilities of the cells of a model, or None."""
    if any(cell.probabilities is None for cell in cells):
        return None
    return np.concatenate([cell.probabilities for cell in cells])


def _spread(cells, figure):
    """Return mean, lowest and highest of a figure of the records of cells."""
    values = [figure(cell.record) for cell in cells]
    return Estimate(statistics.mean(values), min(values), max(values))


def flatten(result):
    """Return a result as a flat dict; intervals end with ``_low`` and ``_high``."""
    flat = {}
    for name, value in vars(result).items():
        if isinstance(value, (Estimate, Difference)):
            named = value._asdict()
            flat[name] = named.pop("value")
            flat |= {f"{name}_{end}": each for end, each in named.items()}
        else:
            flat[name] = value
    return flat
