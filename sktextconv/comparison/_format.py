"""Figures of a comparison as text, and the columns of its tables."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ..inspection._highlight import to_printable

__all__ = [
    "Column",
    "clip_text",
    "format_integer",
    "format_p_value",
    "format_percent",
    "format_points",
    "format_seconds",
    "format_significant",
    "join_names",
    "make_columns",
    "quote_label",
    "to_plain",
]

_MINUS = "−"


def format_percent(fraction):
    """Return a fraction in %, without the sign."""
    return f"{100 * fraction:.2f}"


def format_points(difference):
    """Return a difference of fractions in percentage points, with its sign."""
    text = f"{100 * difference:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", _MINUS)


def format_significant(value):
    """Return a number with about three significant digits."""
    for limit, digits in ((100, 0), (10, 1), (1, 2), (0.01, 3)):
        if value >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.2g}"


def format_integer(value):
    """Return an integer with separators of thousands."""
    return f"{round(value):,}"


def format_p_value(value):
    """Return a p-value with its sign."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def format_seconds(seconds):
    """Return a time in seconds."""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"


def join_names(names):
    """Return names with commas and an "and"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def quote_label(label):
    """Return a label in quotes, cut at the end."""
    return f"“{clip_text(label, 40)}”"


def to_plain(value):
    """Return a value as text without characters that reorder the text after them."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "\ufffd", to_printable(str(value)))


def clip_text(value, n_characters):
    """Return a text, label or name in one line and printable, cut at the end."""
    text = " ".join(to_plain(value).split())
    return text if len(text) <= n_characters else f"{text[: n_characters - 1]}…"


class Column(NamedTuple):
    """Column of a table of models.

    Attributes
    ----------
    heading, unit : str
    cell : callable
        ``cell(result)`` returns the figure and a list of notes, such as its interval.
    is_cost : bool, default=False
        Whether the figure is a time or size.
    """

    heading: str
    unit: str
    cell: Callable[[Any], tuple[str, list[str]]]
    is_cost: bool = False


def make_columns(comparison):
    """Return the columns of the table; those without any figure are left out."""

    def interval(name, form):
        def cell(result):
            found = getattr(result, name)
            if found is None:
                return "", []
            return form(found.value), [f"{form(found.low)} to {form(found.high)}"]

        return cell

    def spread(name):
        def cell(result):
            found, form = getattr(result, name), format_significant
            low, high = form(found.low), form(found.high)
            return form(found.value), [] if low == high else [f"{low} to {high}"]

        return cell

    columns = [
        Column("Error", "%", interval("error", format_percent)),
        Column(f"Against {clip_text(comparison.best, 40)}", "points", _difference),
        Column("Macro F1", "%", interval("macro_f1", format_percent)),
        Column("Log loss", "nats", interval("log_loss", "{:.3f}".format)),
        Column("Calibration error", "%", interval("calibration_error", format_percent)),
        Column("CPU time", "s", spread("cpu_seconds"), True),
        Column("One text", "ms", spread("milliseconds_per_text"), True),
        Column("Many texts", "per s", spread("texts_per_second"), True),
        Column("Size", "MB", spread("megabytes"), True),
    ]
    return [
        column
        for column in columns
        if any(column.cell(result)[0] for result in comparison.results)
    ]


def _difference(result):
    found = result.difference
    if found is None:
        return "", []
    ends = f"{format_points(found.low)} to {format_points(found.high)}"
    return format_points(found.value), [ends, format_p_value(found.p_value)]
