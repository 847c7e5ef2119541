"""Figures of a comparison, drawn into matplotlib axes."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..utils._optional_dependencies import require
from ._charts import find_frontier, frontier_steps, plotted_seconds
from ._findings import confused_pairs
from ._format import clip_text, format_integer
from ._label_layout import nearest_on_box, place_labels, spread

__all__ = ["FIGURES", "Figure", "PointStyle", "draw_cost"]

_GRAY = "0.55"
_LEADER = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.7}
_FONT_SIZE = 9
_MAX_MATRIX = 15  # classes
_MAX_NUMBERS = 10  # classes of a matrix with numbers in its cells


class Figure(NamedTuple):
    """Kind of figure.

    Attributes
    ----------
    file : str
        Name of its files, without an ending.
    size : (float, float)
        Width and height in inches.
    draw : callable
        ``draw(comparison, ax)``
    is_available : callable
        Whether a comparison has data for it.
    hint : str
        Advice for comparisons without data.
    """

    file: str
    size: tuple[float, float]
    draw: Callable
    is_available: Callable
    hint: str = ""


class PointStyle(NamedTuple):
    """Style of the point of a model and of its label."""

    color: str
    is_filled: bool
    is_bold: bool
    marker: str = "o"


def _style(comparison, model):
    """Return the style of a model: the winner, one as good, or another."""
    color = "C0" if model in comparison.as_good else _GRAY
    is_winner = model == comparison.winner
    return PointStyle(color, is_winner, is_winner)


# ---------------------------------------------------------------------------
# Error and cost
# ---------------------------------------------------------------------------


def draw_cost(results, ax, style):
    """Draw error against the CPU time of training, with intervals and the frontier.

    Parameters
    ----------
    results : list of Result
        Only their attributes `model`, `error` and `cpu_seconds` are used.
    ax : matplotlib Axes
    style : callable
        Function of a model that returns its `PointStyle`.
    """
    ticker = require("matplotlib.ticker", by="ComparisonDisplay", extra="plot")
    ax.set_xscale("log")
    for result in results:
        color, is_filled, _, marker = style(result.model)
        x, error = plotted_seconds(result), result.error
        ax.vlines(x, 100 * error.low, 100 * error.high, color=color, linewidth=1.2)
        ax.plot(
            x,
            100 * error.value,
            marker,
            color=color,
            markerfacecolor=color if is_filled else "white",
            markersize=9 if is_filled else 7,
            zorder=3,
        )
    by_model = {result.model: result for result in results}
    frontier = [by_model[model] for model in find_frontier(results)]
    points = [(plotted_seconds(each), 100 * each.error.value) for each in frontier]
    times = [plotted_seconds(result) for result in results]
    margin = 1.5 * (max(times) / min(times)) ** 0.06
    right = max(times) * margin
    ax.set_xlim(min(times) / margin, right)
    steps = frontier_steps(points, right)
    ax.plot(*zip(*steps, strict=True), "--", color="0.35", linewidth=1, zorder=1)
    # Ticks at 1, 2 and 5 if the range is short.
    subs = (1, 2, 5) if max(times) < 100 * min(times) else (1,)
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    ax.grid(alpha=0.3)
    _label_points(results, ax, steps, style)


def _draw_comparison_cost(comparison, ax):
    ax.set(xlabel="CPU time of selection and training, s", ylabel="error, %")
    draw_cost(comparison.results, ax, functools.partial(_style, comparison))


def _annotate(ax, model, point, offset, point_style, **style):
    """Draw the name of a model, which an offset in points moves to the right."""
    color = point_style.color
    return ax.annotate(
        clip_text(model, 30),
        point,
        xytext=(offset, 0),
        textcoords="offset points",
        fontsize=_FONT_SIZE,
        fontweight="bold" if point_style.is_bold else "normal",
        color="0.35" if color == _GRAY else color,
        va="center",
        parse_math=False,
        **{"arrowprops": _LEADER} | style,
    )


def _label_points(results, ax, steps, style):
    """Label the model of each point, without overlaps, beside the frontier."""
    figure = ax.figure.figure  # that of a subfigure, too
    figure.draw_without_rendering()  # lays out the axes
    to_pixels = ax.transData.transform
    points, texts = [], []
    bars = [
        (*np.minimum(start, end) - 1, *np.maximum(start, end) + 1)
        for start, end in itertools.pairwise(to_pixels(steps))
    ]
    for result in results:
        x, error = plotted_seconds(result), result.error
        points.append(tuple(to_pixels((x, 100 * error.value))))
        (left, low), (_, high) = to_pixels(
            [(x, 100 * error.low), (x, 100 * error.high)]
        )
        bars.append((left - 1, low, left + 1, high))
        point = (x, 100 * error.value)
        text = _annotate(ax, result.model, point, 0, style(result.model), ha="center")
        text.set_in_layout(False)
        texts.append(text)
    boxes = [text.get_window_extent() for text in texts]
    pixels = figure.dpi / 72
    placed = place_labels(
        points,
        [(box.width + 2, box.height) for box in boxes],
        ax.get_window_extent().extents,
        bars,
        radius=5.5 * pixels,
    )
    for text, point, box in zip(texts, points, placed, strict=True):
        if box is None:
            text.remove()
            continue
        center = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        text.set_position((np.array(center) - point) / pixels)
        nearest = nearest_on_box(box, point)
        text.arrow_patch.set_visible(math.dist(point, nearest) > 12 * pixels)


# ---------------------------------------------------------------------------
# Curves
# ---------------------------------------------------------------------------


def _learning_curves(comparison):
    return [each for each in comparison.learning_curves() if len(each.points) > 1]


def _draw_learning(comparison, ax):
    ax.set_xscale("log")
    curves = _learning_curves(comparison)
    ticks = sorted({x for curve in curves for x, _ in curve.points})
    ax.set_xticks(ticks, [format_integer(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel("training texts")
    _draw_curves(comparison, curves, ax, 1)


def _draw_noise(comparison, ax):
    ax.set_xlabel("mistyped letters, %")
    _draw_curves(comparison, comparison.noise_curves(), ax, 100)


def _draw_curves(comparison, curves, ax, scale):
    for curve in curves:
        color, is_winner, *_ = _style(comparison, curve.model)
        x = [scale * value for value, _ in curve.points]
        ax.plot(
            x,
            [100 * error.value for _, error in curve.points],
            "o-",
            color=color,
            alpha=1 if is_winner else 0.7,
            linewidth=2.5 if is_winner else 1.2,
            markersize=4,
            zorder=3 if is_winner else 2,
        )
        if is_winner:
            low = [100 * error.low for _, error in curve.points]
            high = [100 * error.high for _, error in curve.points]
            ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    ax.set_ylabel("error, %")
    ax.grid(alpha=0.3)
    _label_ends(comparison, curves, ax, scale)


def _label_ends(comparison, curves, ax, scale):
    """Label the curves to the right of their last points, without overlaps.

    All other parts must be drawn, as they change the size of the axes.
    """
    figure = ax.figure.figure  # that of a subfigure, too
    pixels = figure.dpi / 72
    texts = []
    for curve in curves:
        value, error = curve.points[-1]
        text = _annotate(
            ax,
            curve.model,
            (scale * value, 100 * error.value),
            24,
            _style(comparison, curve.model),
            ha="left",
            arrowprops=_LEADER | {"relpos": (0, 0.5), "shrinkA": 0, "shrinkB": 4},
            annotation_clip=False,
        )
        texts.append(text)
    figure.draw_without_rendering()  # lays out the axes, with room for the labels
    _, low, _, high = ax.get_window_extent().extents
    heights = [
        float(ax.transData.transform((scale * x, 100 * error.value))[1])
        for x, error in (curve.points[-1] for curve in curves)
    ]
    gap = max(text.get_window_extent().height for text in texts)
    moved = spread(heights, 1.15 * gap, low + gap / 2, high - gap / 2)
    for text, start, end in zip(texts, heights, moved, strict=True):
        text.set_position((24, (end - start) / pixels))


# ---------------------------------------------------------------------------
# Confusion
# ---------------------------------------------------------------------------


def _draw_confusion(comparison, ax):
    if len(comparison.classes) > _MAX_MATRIX:
        _draw_pairs(comparison, ax)
        return
    counts = comparison.confusion()
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    labels = [clip_text(label, 20) for label in comparison.classes]
    style = {"fontsize": _FONT_SIZE, "parse_math": False}
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", **style)
    ax.set_yticks(range(len(labels)), labels, **style)
    if len(labels) <= _MAX_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            color = "white" if fractions[row, column] > 0.55 else "black"
            ax.text(
                column,
                row,
                format_integer(count),
                ha="center",
                va="center",
                color=color,
                fontsize=_FONT_SIZE,
            )
    ax.set(xlabel="answer", ylabel="label")
    _title(comparison, ax)


def _draw_pairs(comparison, ax):
    pairs = confused_pairs(comparison, 15)[::-1]
    names = [
        f"{clip_text(true, 25)} as {clip_text(answer, 25)}"
        for true, answer, *_ in pairs
    ]
    ax.barh(range(len(pairs)), [count for _, _, count, _ in pairs], color="C0")
    ax.set_yticks(range(len(pairs)), names, fontsize=_FONT_SIZE, parse_math=False)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("texts")
    _title(comparison, ax)


def _title(comparison, ax):
    name = clip_text(comparison.winner, 40)
    ax.set_title(f"errors of {name}", fontsize=_FONT_SIZE + 1, parse_math=False)


FIGURES = {
    "cost": Figure(
        "comparison", (8, 4.5), _draw_comparison_cost, lambda comparison: True
    ),
    "learning": Figure(
        "learning_curves",
        (8, 4.5),
        _draw_learning,
        lambda comparison: bool(_learning_curves(comparison)),
        "Pass train_sizes to compare.",
    ),
    "noise": Figure(
        "typing_errors",
        (8, 4.5),
        _draw_noise,
        lambda comparison: bool(comparison.noise_curves()),
        "Pass noise to compare.",
    ),
    "confusion": Figure("confusion", (6, 5), _draw_confusion, lambda comparison: True),
}
