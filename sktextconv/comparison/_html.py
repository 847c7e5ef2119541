"""Elements of the HTML page of a comparison."""

import html
import re

from ._format import format_integer, format_significant, to_plain

__all__ = [
    "bullets",
    "definitions",
    "escape",
    "escape_sentence",
    "figure",
    "format_count",
    "paragraph",
    "section",
]

_WIDTHS = {"wide": 820, "narrow": 360}  # pixels
_NAMES = {
    "n_texts": "texts",
    "n_train": "training texts",
    "n_test": "test texts",
    "n_splits": "divisions",
    "grouped": "groups of texts",
    "select": "selection of parameters",
    "random_state": "seed",
    "n_jobs": "processes",
}


def escape(text):
    """Return a value as HTML text."""
    return html.escape(to_plain(text))


def format_count(n, name, plural=None):
    """Return a number and a noun."""
    return f"{format_integer(n)} {name if n == 1 else plural or f'{name}s'}"


def section(heading, *parts):
    """Return a section of HTML parts."""
    return f"<section>\n<h2>{heading}</h2>\n" + "\n".join(parts) + "\n</section>"


def escape_sentence(text):
    """Return plain text as HTML; numbers and units stay on one line."""
    return re.sub(r"(?<=\d) (?=%|s\b|points)", "&nbsp;", escape(text))


def paragraph(text, style=None):
    """Return a paragraph of plain text."""
    start = f'<p class="{style}">' if style else "<p>"
    return f"{start}{escape_sentence(text)}</p>"


def figure(draw, caption):
    """Return a chart for wide and for narrow pages; the style sheet selects one."""
    charts = "".join(
        f'<div class="{name}">{draw(width)}</div>' for name, width in _WIDTHS.items()
    )
    return f"<figure>{charts}<figcaption>{caption}</figcaption></figure>"


def bullets(items):
    """Return a list of HTML items."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def definitions(values):
    """Return names and values; values that are None are left out."""
    rows = "".join(
        f"<div><dt>{escape(_NAMES.get(key, key))}</dt>"
        f"<dd>{escape(_value(value))}</dd></div>"
        for key, value in values.items()
        if value is not None
    )
    return f"<dl>{rows}</dl>"


def _value(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return format_integer(value)
    return format_significant(value) if isinstance(value, float) else str(value)
