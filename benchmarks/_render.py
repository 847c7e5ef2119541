"""Tables as Markdown, reStructuredText and plain text.

Each function takes rows of cells, all of them str; the first row is the header.
"""

import textwrap

__all__ = ["WALL_MARK", "as_list_table", "as_markdown", "as_text", "wrap"]

# Mark of wall times among CPU times.
WALL_MARK = "\N{DAGGER}"

_WIDTH = 78


def as_markdown(rows):
    """Return a Markdown table; columns of numbers are aligned right."""
    head, *body = rows
    rule = ["---:" if numeric else "---" for numeric in _numeric_columns(body)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *body))


def as_list_table(rows):
    """Return a reStructuredText list-table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        lines += [
            f"   {'  -' if index else '* -'} {cell}" for index, cell in enumerate(row)
        ]
    return "\n".join([*lines, ""])


def as_text(rows, notes=()):
    """Return aligned columns; columns of numbers are aligned right.

    Parameters
    ----------
    rows : list of sequence of str
        The first is the header.
    notes : list of str, default=()
        A text for each row after the header, wrapped and indented below it.
    """
    head, *body = rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numeric = _numeric_columns(body)

    def align(row):
        cells = zip(row, widths, numeric, strict=True)
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in cells
        )
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [rule, align(head), rule]
    for index, row in enumerate(body):
        lines.append(align(row))
        if index < len(notes):
            lines.append(wrap(notes[index], indent="    "))
    return "\n".join([*lines, rule])


def wrap(text, indent=""):
    """Return a text in lines that fit 80 columns."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _numeric_columns(body):
    columns = zip(*body, strict=True)
    return [all(map(_is_number, column)) for column in columns]


def _is_number(cell):
    return (
        not cell.strip("0123456789.,–+-±<≥≤\N{NO-BREAK SPACE} %*" + WALL_MARK)
        or cell == "at chance"
    )
