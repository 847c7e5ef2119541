"""Findings of a comparison in sentences, with the rules that they follow."""

from collections import Counter

import numpy as np

from ._charts import find_frontier
from ._confusion import find_confused
from ._format import (
    format_integer,
    format_percent,
    format_points,
    join_names,
    quote_label,
)
from ._selection import rank_trial

__all__ = [
    "LEARNING_RULE",
    "confused_pairs",
    "describe_baseline",
    "describe_class_errors",
    "describe_edges",
    "describe_frontier",
    "describe_learning",
    "describe_length_errors",
    "describe_noise",
    "describe_resolution",
    "selections",
]

_SMALL_FALL = 0.1  # of the error
LEARNING_RULE = (
    "The rule: more labels would probably help if the error fell between the last two "
    "points, beyond noise (a paired test on the same test texts, at 5 %); they would "
    "help little if the interval of the fall excludes a tenth of the error; otherwise "
    "it is open. The rule looks one step ahead, not at ten times as many texts."
)


def describe_baseline(comparison):
    """Return the error of the most frequent class as an answer to all texts."""
    counts = comparison.confusion().sum(axis=1)
    error = 1 - counts.max() / counts.sum()
    label = quote_label(comparison.classes[counts.argmax()])
    winner = next(r for r in comparison.results if r.model == comparison.winner)
    text = (
        f"For scale: always answering {label}, the most frequent class, has "
        f"{format_percent(error)} % error."
    )
    if winner.error.high >= error:
        text += " The winner is no better, within noise: no model learned the task."
    return text


def describe_resolution(comparison):
    """Return the difference that these test texts can detect; "" for a single model."""
    widths = [
        (result.difference.high - result.difference.low) / 2
        for result in comparison.results
        if result.difference is not None
    ]
    if not widths:
        return ""
    n_test = format_integer(comparison.confusion().sum())
    return (
        f"With {n_test} tested texts, models that are less than about "
        f"{format_percent(np.median(widths))} points apart can hardly be told apart."
    )


def describe_frontier(comparison):
    """Return the models that no cheaper model beats."""
    models = find_frontier(comparison.results)
    if len(models) == 1:
        return f"{models[0]} is the cheapest model, and has the lowest error."
    return (
        "The dashed line is the lowest error within each CPU time, that of "
        f"{join_names(models)}. Models above it cost more than a better one."
    )


def describe_learning(comparison, curves):
    """Return whether more labels would help the winner; see `LEARNING_RULE`."""
    winner = comparison.winner
    gain = comparison.learning_gain(winner)
    curve = next(each for each in curves if each.model == winner)
    (n_fewer, fewer), (n_most, most) = curve.points[-2:]
    change = (
        f"from {format_integer(n_fewer)} to {format_integer(n_most)} training texts, "
        f"the error of {winner} went from {format_percent(fewer.value)} to "
        f"{format_percent(most.value)} %, a change of {format_points(-gain.value)} "
        f"points (95 % interval {format_points(-gain.high)} to "
        f"{format_points(-gain.low)})"
    )
    if gain.value > 0 and not gain.is_within_noise():
        return f"More labels would probably help: {change}."
    if gain.high < _SMALL_FALL * fewer.value:
        return f"More labels would help little: {change}."
    return f"It is open whether more labels would help: {change}."


def describe_noise(curves, winner):
    """Return the errors at the highest rate of typing errors."""
    by_model = {curve.model: curve.points for curve in curves}
    (_, clean), (rate, noisy) = by_model[winner][0], by_model[winner][-1]
    best = min(by_model, key=lambda model: by_model[model][-1][1].value)
    lowest = by_model[best][-1][1]
    verb = "rises" if noisy.value > clean.value else "goes"
    text = (
        f"With {100 * rate:g} % of the letters mistyped, the error of {winner} {verb} "
        f"from {format_percent(clean.value)} to {format_percent(noisy.value)} %"
    )
    if best == winner:
        return f"{text}, the lowest of all models."
    return f"{text}; {best} has the lowest, {format_percent(lowest.value)} %."


def describe_length_errors(bounds, errors):
    """Return the error of the winner on the shortest and on the longest texts."""
    (_, short), (long, _) = bounds[0], bounds[-1]
    return (
        f"The winner has {format_percent(errors[0].value)} % error on texts of up to "
        f"{format_integer(short)} characters, and {format_percent(errors[-1].value)} % "
        f"on those of {format_integer(long)} or more"
        f"{_apart(errors[0], errors[-1])}."
    )


def describe_class_errors(rows):
    """Return the classes with the highest and the lowest error of the winner.

    `rows` has pairs of a label and an `Estimate`, the highest error first.
    """
    (hard, worst), (easy, least) = rows[0], rows[-1]
    if worst.value == least.value:
        return f"The winner has {format_percent(worst.value)} % error on each class."
    return (
        f"The hardest class for the winner is {quote_label(hard)} "
        f"({format_percent(worst.value)} % error), the easiest {quote_label(easy)} "
        f"({format_percent(least.value)} %){_apart(worst, least)}."
    )


def _apart(one, other):
    """Return how two intervals lie, as the end of a sentence."""
    if one.high < other.low or other.high < one.low:
        return "; the intervals do not overlap"
    return "; the intervals overlap, so this may be chance"


def confused_pairs(comparison, n=10):
    """Return the most confused pairs of classes of the winner; see `find_confused`."""
    return find_confused(comparison.confusion(), comparison.classes, n)


def selections(comparison):
    """Return the selected parameters and those tried, of models that have a grid.

    Returns
    -------
    found : dict of str to (Counter, dict)
        How often parameters were selected, and the mean validation error in % of those
        that were tried, by their text; it is infinite if a training diverged.
    """
    found = {}
    for model, cells in _selecting_cells(comparison).items():
        chosen = Counter(_describe_params(cell.record["params"]) for cell in cells)
        errors = {}
        for cell in cells:
            for each in cell.record["selection"]:
                name = _describe_params(each["params"])
                if "max_epochs" in each:
                    name += f", {each['max_epochs']} epochs"
                errors.setdefault(name, []).append(rank_trial(each)[0])
        tried = {name: float(np.mean(each)) for name, each in errors.items()}
        found[model] = chosen, tried
    return found


def describe_edges(comparison):
    """Return the models that selected an end of their grid; "" if none did."""
    at_edge = []
    for model, cells in _selecting_cells(comparison).items():
        for name in cells[0].record["params"]:
            values = {
                each["params"][name]
                for cell in cells
                for each in cell.record["selection"]
            }
            chosen = {cell.record["params"][name] for cell in cells}
            if len(values) > 2 and chosen & {min(values), max(values)}:
                at_edge.append(model)
    if not at_edge:
        return ""
    verb = "has" if len(at_edge) == 1 else "have"
    return (
        f"{join_names(at_edge)} {verb} selected the smallest or largest value that was "
        "tried; a value beyond it may be better."
    )


def _selecting_cells(comparison):
    """Return the full cells with a selection of each model."""
    found = {result.model: [] for result in comparison.results}
    for cell in comparison.cells:
        if cell.model in found and cell.fraction == 1 and cell.record.get("selection"):
            found[cell.model].append(cell)
    return {model: cells for model, cells in found.items() if cells}


def _describe_params(params):
    values = (
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in params.items()
    )
    return ", ".join(values)
