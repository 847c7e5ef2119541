"""Texts with words highlighted by weight, for terminals and as plain text."""

import collections
import re
import unicodedata

__all__ = [
    "BACKGROUNDS",
    "NEGATIVE_COLOR",
    "POSITIVE_COLOR",
    "annotate",
    "contrast",
    "highlight_color",
    "split_rows",
    "text_color",
    "to_ansi",
    "to_printable",
    "to_unit_rgb",
]

# Colors of the largest weights. People with most kinds of color blindness can tell
# orange and blue apart.
POSITIVE_COLOR, NEGATIVE_COLOR = (217, 95, 2), (33, 102, 172)
# Backgrounds of web pages by color scheme.
BACKGROUNDS = {"light": (255, 255, 255), "dark": (28, 30, 34)}
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

# Levels of each channel in the 6x6x6 color cube of 256-color terminals.
_CUBE_LEVELS = (0, 95, 135, 175, 215, 255)

# In a terminal, words below this fraction of the largest weight are not highlighted.
_MIN_FRACTION = 0.1

# Control characters that lay out text; all others have no glyph.
_WHITESPACE = "\t\n"


def highlight_color(fraction, background=_WHITE):
    """Return the background color of a word as red, green and blue from 0 to 255.

    Parameters
    ----------
    fraction : float
        Weight of the word relative to the largest absolute weight, in [-1, 1].
    background : tuple of int, default=(255, 255, 255)
        Background color of words with weight zero.
    """
    full = POSITIVE_COLOR if fraction > 0 else NEGATIVE_COLOR
    alpha = min(abs(fraction), 1.0)
    return tuple(
        round(b + alpha * (f - b)) for b, f in zip(background, full, strict=True)
    )


def to_unit_rgb(color):
    """Return a color as matplotlib expects it, with channels from 0 to 1."""
    return tuple(channel / 255 for channel in color)


def text_color(background):
    """Return black or white, whichever has the higher contrast with a background.

    The contrast is at least 4.58, the square root of 21, on any background.
    """
    return max((_BLACK, _WHITE), key=lambda color: contrast(color, background))


def contrast(color, other):
    """Return the contrast ratio of two colors, from 1 to 21, as defined by WCAG 2."""
    low, high = sorted(map(_luminance, (color, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color):
    """Return the relative luminance of a color, as defined by WCAG 2."""
    linear = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in to_unit_rgb(color)
    )
    weights = (0.2126, 0.7152, 0.0722)
    return sum(w * channel for w, channel in zip(weights, linear, strict=True))


def to_printable(text):
    """Replace control characters and lone surrogates with U+FFFD."""
    return "".join(
        "\ufffd"
        if unicodedata.category(c) in ("Cc", "Cs") and c not in _WHITESPACE
        else c
        for c in re.sub("\r\n?", "\n", text)
    )


def split_rows(attribution):
    """Split a text into words and the text between them, in rows by sentence.

    Parameters
    ----------
    attribution : Attribution

    Returns
    -------
    rows : list of (fraction, pieces)
        One row per sentence, or a single row if sentences have no weights. `fraction`
        is the weight of the sentence relative to the largest one, or None. `pieces` are
        pairs of a str and its weight relative to the largest absolute one, or None for
        the text between words. The strings concatenate to the whole text.
    """
    text, spans = attribution.text, attribution.spans
    sentences = attribution.sentences
    fractions = _normalize(sentences) if sentences else [None]
    ends = [*(sentence.start for sentence in sentences[1:]), len(text)]
    weighted = collections.deque(zip(spans, _normalize(spans), strict=True))
    rows, position = [], 0
    for fraction, end in zip(fractions, ends, strict=True):
        pieces = []
        while weighted and weighted[0][0].start < end:
            span, weight = weighted.popleft()
            pieces += [(text[position : span.start], None)]
            pieces += [(text[span.start : span.end], weight)]
            position = span.end
        pieces.append((text[position:end], None))
        position = max(position, end)
        rows.append((fraction, [piece for piece in pieces if piece[0]]))
    return rows


def _normalize(spans):
    """Return the weights of spans relative to the largest absolute weight."""
    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    return [span.weight / largest for span in spans]


def to_ansi(attribution):
    """Return a text with words highlighted by escape codes of 256-color terminals."""

    def highlight(text, fraction):
        if abs(fraction) < _MIN_FRACTION:
            return text
        return _ansi_color(text, highlight_color(fraction))

    if attribution.method == "attention":
        legend = highlight("high attention", 1.0)
    else:
        legend = f"{highlight('for', 1.0)} {highlight('against', -1.0)}"
    return _join_lines(attribution, highlight, legend)


def annotate(attribution):
    """Return a text with the relative weight of each word in brackets."""

    def highlight(text, fraction):
        return text if abs(fraction) < _MIN_FRACTION else f"[{text} {fraction:+.2f}]"

    legend = "weights relative to the largest"
    if attribution.method != "attention":
        legend += ", - is against the label"
    return _join_lines(attribution, highlight, legend)


def _join_lines(attribution, highlight, legend):
    """Return a header, an empty line and the text with each word highlighted."""
    label = to_printable(str(attribution.label))
    method = to_printable(attribution.method)
    lines = [f"{label}, by {method}: {legend}", ""]
    for fraction, pieces in split_rows(attribution):
        words = "".join(
            to_printable(text)
            if weight is None
            else highlight(to_printable(text), weight)
            for text, weight in pieces
        )
        lines.append(
            words if fraction is None else f"{fraction:4.2f}  {words.rstrip()}"
        )
    return "\n".join(lines)


def _ansi_color(text, color):
    """Return a text on the nearest background color of the cube."""
    nearest = [
        min(_CUBE_LEVELS, key=lambda level: abs(level - channel)) for channel in color
    ]
    red, green, blue = map(_CUBE_LEVELS.index, nearest)
    foreground = 16 if text_color(nearest) == _BLACK else 231
    background = 16 + 36 * red + 6 * green + blue
    return f"\x1b[48;5;{background};38;5;{foreground}m{text}\x1b[0m"
