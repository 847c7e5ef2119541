"""Tables of 80 terminal columns."""

import itertools
import unicodedata

from ..comparison._confusion import find_confused
from ..inspection._highlight import to_printable

__all__ = ["confusion_lines", "display_width", "pad_or_truncate"]

_WIDTH = 80  # columns of a terminal
_LABEL_WIDTH = 32
_MIN_WIDTH = 12  # of the labels beside a matrix with numbered columns
_PAIR_WIDTH = 26
_MAX_PAIRS = 15


def confusion_lines(counts, labels):
    """Return the lines of a confusion matrix, or of the most confused pairs of classes.

    Parameters
    ----------
    counts : ndarray of int of shape (n_classes, n_classes)
        Number of texts by true and predicted class.
    labels : list of shape (n_classes,)

    Returns
    -------
    lines : list of str
        The matrix has the labels or the numbers of the classes above its columns. It
        is replaced by the pairs if it does not fit into 80 columns.
    """
    labels = [*map(str, labels)]
    digits = max(len(f"{count:,}") for count in counts.flat)
    longest = max(map(display_width, labels))
    numbers = [f"{row:>{len(str(len(labels)))}}" for row in range(1, len(labels) + 1)]
    widest = min(longest, _LABEL_WIDTH)
    heads = [pad_or_truncate(label, widest).rstrip() for label in labels]
    for tops, gap in ((heads, 2), (numbers, 2), (numbers, 1)):
        widths = [gap + max(display_width(top), digits) for top in tops]
        # Numbered rows begin with the number.
        is_numbered = tops is numbers
        number_width = 1 + len(numbers[0]) if is_numbered else 0
        width = min(widest, _WIDTH - sum(widths) - number_width)
        if width < min(longest, _MIN_WIDTH if is_numbered else widest):
            continue
        lines = [[" " * (number_width + width), *tops]]
        for number, label, row in zip(numbers, labels, counts, strict=True):
            stub = f"{number} " if is_numbered else ""
            stub += pad_or_truncate(label, width)
            lines.append([stub, *(f"{count:,}" for count in row)])
        return ["confusion matrix: true classes in rows, predicted ones in columns"] + [
            stub + "".join(map(_align_right, cells, widths)) for stub, *cells in lines
        ]
    return _pair_lines(counts, labels)


def _align_right(cell, width):
    return " " * (width - display_width(cell)) + cell


def _pair_lines(counts, labels):
    """Return the lines of the most confused pairs; none if no text is confused."""
    pairs = find_confused(counts, labels, _MAX_PAIRS)
    if not pairs:
        return []
    names = itertools.chain(*(pair[:2] for pair in pairs))
    width = max(display_width(name) for name in [*names, "predicted"])
    width = min(width, _PAIR_WIDTH)
    lines = [
        "most confused classes",
        f"{'true':<{width}}  {'predicted':<{width}}    texts  % of true class",
    ]
    for true, predicted, count, fraction in pairs:
        lines.append(
            f"{pad_or_truncate(true, width)}  {pad_or_truncate(predicted, width)}"
            f"  {count:>7,}  {100 * fraction:>15.1f}"
        )
    return lines


def pad_or_truncate(text, width, *, keep_end=False):
    """Pad or truncate a text to a width in terminal columns.

    Parameters
    ----------
    keep_end : bool, default=False
        Whether to leave out the beginning of a long text, such as a path.
    """
    text = " ".join(to_printable(text).split())
    if display_width(text) > width:
        step = -1 if keep_end else 1
        characters = text[::step]
        ends = itertools.accumulate(map(display_width, characters))
        kept = [c for c, end in zip(characters, ends, strict=True) if end < width]
        text = "".join([*kept, "…"][::step])
    return text + " " * (width - display_width(text))


def display_width(text):
    """Return the width of a text in terminal columns."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )
