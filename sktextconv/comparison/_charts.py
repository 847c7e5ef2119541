"""Charts of the report as inline SVG, colored by the style sheet of the page."""

import html
import itertools
import math
import unicodedata

from ._format import clip_text
from ._label_layout import nearest_on_box, place_labels, spread

__all__ = [
    "draw_cost",
    "draw_curves",
    "draw_strips",
    "find_frontier",
    "frontier_steps",
    "plotted_seconds",
]

_CHARACTER = 6.9  # pixels of a character of a label, at most
_LINE = 15  # pixels from one label to the next
_LOW_SECONDS = 1e-3  # of the logarithmic axis


def draw_cost(results, ranks, width):
    """Return the chart of error against the CPU time of training.

    Parameters
    ----------
    results : list of Result
    ranks : dict of str to {"winner", "good", "other"}
        Emphasis of each model.
    width : int
        Width in pixels; labels are placed for it.
    """
    height = round(min(0.55 * width + 130, 460))
    left, right, top, bottom = 42, width - 16, 26, height - 42
    seconds = [plotted_seconds(result) for result in results]
    ticks = _log_ticks(min(seconds), max(seconds))
    ends = [end for result in results for end in result.error]
    error_ticks, low, high = _nice_ticks(100 * min(ends), 100 * max(ends))
    to_x = _scale(math.log(ticks[0]), math.log(ticks[-1]), left + 10, right - 12)
    to_y = _scale(low, high, bottom, top)
    parts = _y_axis(error_ticks, to_y, left, right)
    for tick in _thin(ticks, (right - left) // 75):
        x = to_x(math.log(tick))
        parts += [_line(x, bottom, x, bottom + 4, "axis")]
        parts += [_text(x, bottom + 17, f"{tick:,g} s", "middle")]
    parts += [_line(left, bottom, right, bottom, "axis")]
    title = "CPU time of selection and training, logarithmic"
    parts += [_text((left + right) / 2, height - 6, title, "middle")]
    at = {
        result.model: (to_x(math.log(each)), to_y(100 * result.error.value))
        for result, each in zip(results, seconds, strict=True)
    }
    steps = frontier_steps([at[model] for model in find_frontier(results)], right)
    parts += [f'<polyline points="{_join_points(steps)}" class="frontier"/>']
    bars = [
        (min(x, next_x) - 1, min(y, next_y) - 1, max(x, next_x) + 1, max(y, next_y) + 1)
        for (x, y), (next_x, next_y) in itertools.pairwise(steps)
    ]
    for result in results:
        x, _ = at[result.model]
        y_low, y_high = to_y(100 * result.error.low), to_y(100 * result.error.high)
        parts += [_line(x, y_low, x, y_high, f"bar {ranks[result.model]}")]
        bars.append((x - 1, y_high, x + 1, y_low))
    for result in reversed(results):
        x, y = at[result.model]
        rank = ranks[result.model]
        radius = 6 if rank == "winner" else 4.5
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{rank}"/>']
    labels = [clip_text(result.model, 22) for result in results]
    boxes = place_labels(
        list(at.values()),
        [(_text_width(label) + 4, _LINE) for label in labels],
        (left + 2, top - 8, right, bottom - 2),
        bars,
        radius=6,
    )
    for result, label, box in zip(results, labels, boxes, strict=True):
        if box is not None:
            rank = ranks[result.model]
            parts += _label(at[result.model], box, label, rank)
    return _svg(width, height, parts, "Error against CPU time of each model.")


def plotted_seconds(result):
    """Return the CPU time of training, above 0 for logarithmic axes."""
    return max(result.cpu_seconds.value, _LOW_SECONDS)


def find_frontier(results):
    """Return the models that no cheaper model beats, the cheapest first."""
    frontier, lowest = [], math.inf
    by_cost = sorted(results, key=lambda r: (r.cpu_seconds.value, r.error.value))
    for result in by_cost:
        if result.error.value < lowest:
            frontier.append(result.model)
            lowest = result.error.value
    return frontier


def frontier_steps(points, right):
    """Return the corners of the steps through the points of the frontier."""
    steps = [points[0]]
    for (_, y), (next_x, next_y) in itertools.pairwise(points):
        steps += [(next_x, y), (next_x, next_y)]
    return [*steps, (right, points[-1][1])]


def draw_curves(curves, ranks, width, *, title, to_label, logarithmic=False):
    """Return a chart of the error of each model by the value of a setting.

    Parameters
    ----------
    curves : list of Curve
        All have at least two points.
    ranks : dict of str to {"winner", "good", "other"}
    width : int
    title : str
        Title of the x axis.
    to_label : callable
        Returns the label of a value on the x axis.
    logarithmic : bool, default=False
        Whether the x axis is logarithmic.
    """
    labels = [clip_text(curve.model, 22 if width > 500 else 15) for curve in curves]
    height = max(round(min(0.42 * width + 130, 360)), _LINE * len(curves) + 90)
    top, bottom, left = 26, height - 42, 42
    right = width - 26 - max(map(_text_width, labels))
    values = sorted({x for curve in curves for x, _ in curve.points})
    errors = [100 * each.value for curve in curves for _, each in curve.points]
    for curve in curves:
        if ranks[curve.model] == "winner":
            errors += [100 * end for _, each in curve.points for end in each]
    error_ticks, low, high = _nice_ticks(min(errors), max(errors))
    place = math.log if logarithmic else float
    to_x = _scale(place(values[0]), place(values[-1]), left + 8, right - 4)
    to_y = _scale(low, high, bottom, top)
    parts = _y_axis(error_ticks, to_y, left, right)
    last = -math.inf
    for value in reversed(values):
        x, label = to_x(place(value)), to_label(value)
        parts += [_line(x, bottom, x, bottom + 4, "axis")]
        if abs(last - x) > _text_width(label) + 8:
            parts += [_text(x, bottom + 17, label, "middle")]
            last = x
    parts += [_line(left, bottom, right, bottom, "axis")]
    parts += [_text((left + right) / 2, height - 6, title, "middle")]
    # The winner is drawn last, above the others.
    order = ("other", "good", "winner")
    for curve in sorted(curves, key=lambda each: order.index(ranks[each.model])):
        rank = ranks[curve.model]
        points = [(to_x(place(x)), to_y(100 * each.value)) for x, each in curve.points]
        if rank == "winner":
            upper = [(to_x(place(x)), to_y(100 * e.high)) for x, e in curve.points]
            lower = [(to_x(place(x)), to_y(100 * e.low)) for x, e in curve.points]
            band = _join_points([*upper, *reversed(lower)])
            parts += [f'<polygon points="{band}" class="band"/>']
        parts += [f'<polyline points="{_join_points(points)}" class="curve {rank}"/>']
        for x, y in points:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{rank}"/>']
    ends = [curve.points[-1] for curve in curves]
    heights = [to_y(100 * each.value) for _, each in ends]
    moved = spread(heights, _LINE, top, bottom - 4)
    for curve, (value, _), label, start, y in zip(
        curves, ends, labels, heights, moved, strict=True
    ):
        x, rank = to_x(place(value)), ranks[curve.model]
        parts += [_line(x + 5, start, right + 14, y, "leader")]
        parts += [_text(right + 17, y + 4, label, "start", rank)]
    return _svg(width, height, parts, f"Error of each model. {title}.")


def draw_strips(rows, width):
    """Return a chart with a row for each group of texts.

    Parameters
    ----------
    rows : list of (str, Estimate, list of float)
        Label, error of the winner, and errors of the other models, as fractions.
    width : int
    """
    labels = [clip_text(label, 30 if width > 500 else 18) for label, _, _ in rows]
    left = max(map(_text_width, labels)) + 12
    right, top, step = width - 14, 12, 24
    bottom = top + step * len(rows)
    ends = [100 * end for _, estimate, others in rows for end in (*estimate, *others)]
    ticks, low, high = _nice_ticks(min(ends), max(ends))
    to_x = _scale(low, high, left + 4, right)
    parts = []
    for tick in _thin(ticks, (right - left) // 45):
        parts += [_line(to_x(tick), top, to_x(tick), bottom, "grid")]
        parts += [_text(to_x(tick), bottom + 16, f"{tick:g}", "middle")]
    parts += [_text((left + right) / 2, bottom + 34, "error, %", "middle")]
    for number, (label, (_, estimate, others)) in enumerate(
        zip(labels, rows, strict=True)
    ):
        y = top + step * (number + 0.5)
        parts += [_text(left - 6, y + 4, label, "end", "name")]
        x_low, x_high = to_x(100 * estimate.low), to_x(100 * estimate.high)
        for other in others:
            x = to_x(100 * other)
            parts += [_line(x, y - 5, x, y + 5, "tick")]
        parts += [_line(x_low, y, x_high, y, "bar winner")]
        x = to_x(100 * estimate.value)
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="winner"/>']
    return _svg(width, bottom + 42, parts, "Error by group of texts.")


# ---------------------------------------------------------------------------
# Axes
# ---------------------------------------------------------------------------


def _scale(low, high, start, end):
    """Return the function from values to pixels; a single value is in the middle."""
    if low == high:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _nice_ticks(low, high):
    """Return about six round ticks, and the ends of the axis, of a range in %."""
    step = max(high - low, 0.5) / 6
    unit = 10.0 ** math.floor(math.log10(step))
    step = next(unit * each for each in (1, 2, 5, 10) if unit * each >= step)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [round(each * step, 10) for each in range(first, last + 1)]
    return ticks, ticks[0], ticks[-1]


def _log_ticks(low, high):
    """Return round ticks around a range on a logarithmic axis."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    decades = [10.0**each for each in range(first, last + 1)]
    if last - first > 2:
        return decades
    finer = sorted({d * each for d in decades[:-1] for each in (1, 2, 5, 10)})
    inner = [tick for tick in finer if low < tick < high]
    return [
        max(tick for tick in finer if tick <= low),
        *inner,
        min(tick for tick in finer if tick >= high),
    ]


def _thin(ticks, n_most):
    """Return every tick, every second one, and so on, so that they have room."""
    return ticks[:: max(1, math.ceil(len(ticks) / max(n_most, 1)))]


def _y_axis(ticks, to_y, left, right):
    parts = [_text(0, 12, "error, %", "start")]
    for tick in ticks:
        parts += [_line(left, to_y(tick), right, to_y(tick), "grid")]
        parts += [_text(left - 6, to_y(tick) + 4, f"{tick:g}", "end")]
    return parts


# ---------------------------------------------------------------------------
# Elements
# ---------------------------------------------------------------------------


def _svg(width, height, parts, label):
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{html.escape(label)}">{body}</svg>'
    )


def _line(x1, y1, x2, y2, style):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'class="{style}"/>'
    )


def _text(x, y, text, anchor, style="note"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">'
        f"{html.escape(text)}</text>"
    )


def _label(point, box, label, rank):
    """Return the label of a point, with a line to it if it is far away."""
    x, y = nearest_on_box(box, point)
    parts = []
    if math.dist(point, (x, y)) > 14:
        parts += [_line(*point, x, y, "leader")]
    # The box is as wide as the widest font needs: align the text with the point.
    anchor, start = "middle", (box[0] + box[2]) / 2
    if box[0] >= point[0]:
        anchor, start = "start", box[0] + 2
    elif box[2] <= point[0]:
        anchor, start = "end", box[2] - 2
    return [*parts, _text(start, box[3] - 4, label, anchor, rank)]


def _join_points(points):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _text_width(text):
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return _CHARACTER * (len(text) + wide)
