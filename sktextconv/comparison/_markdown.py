"""Summary and table of a comparison as Markdown."""

import re

from ._format import clip_text, format_integer, make_columns

__all__ = ["escape_markdown", "to_markdown"]


def to_markdown(comparison):
    """Return the summary, the table and the sizes of the data as Markdown."""
    winner = f"The winner is {comparison.winner}"
    rest = comparison.summarize().removeprefix(winner)
    name = escape_markdown(comparison.winner)
    lines = [f"The winner is **{name}**{escape_markdown(rest)}", ""]
    columns = make_columns(comparison)
    heads = [
        "Model",
        *(f"{escape_markdown(each.heading)}, {each.unit}" for each in columns),
    ]
    lines += [_row(heads), _row(["---", *["---:"] * len(columns)])]
    for result in comparison.results:
        name = escape_markdown(result.model, 60)
        if result.model == comparison.winner:
            name = f"**{name}** (winner)"
        elif result.is_as_good:
            name += " (as good, within noise)"
        cells = [_cell(*column.cell(result)) for column in columns]
        lines.append(_row([name, *cells]))
    note = (
        "95 % intervals are in parentheses, and p is that of a paired test. Times are "
        "CPU times."
    )
    data = comparison.about.get("data")
    if data:
        note = (
            f"{format_integer(data['n_train'])} training and "
            f"{format_integer(data['n_test'])} test texts of "
            f"{format_integer(len(comparison.classes))} classes. {note}"
        )
    return "\n".join([*lines, "", note, ""])


def _cell(figure, notes):
    return f"{figure} ({', '.join(notes)})" if notes else figure


def _row(cells):
    return f"| {' | '.join(cells)} |"


def escape_markdown(value, n_characters=2000):
    """Return a value in one line, cut at the end, whose characters have no meaning."""
    return re.sub(r"([\\`*_\[\]<>|~&#$])", r"\\\1", clip_text(value, n_characters))
