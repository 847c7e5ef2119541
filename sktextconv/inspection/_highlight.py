"""Texts shaded by weight: what to shade, in which colour; as HTML, for terminals."""

import collections
import html
import re
import unicodedata

__all__ = [
    "AGAINST",
    "FOR",
    "contrast",
    "fractions",
    "ink",
    "rows_of",
    "shade",
    "to_html",
    "to_marks",
    "to_terminal",
    "visible",
]

# Of the strongest weights: orange and blue, which nearly all eyes tell apart.
FOR, AGAINST = (217, 95, 2), (33, 102, 172)
_PAPER = (255, 255, 255)
_INKS = ((0, 0, 0), (255, 255, 255))

# Levels of each part of a colour that every terminal of 256 colours has.
_LEVELS = (0, 95, 135, 175, 215, 255)

# On a terminal, a word of less than this share of the largest weight stays as it is.
_FAINT = 0.1

# White space that breaks or spaces lines; other control characters have no picture.
_SPACES = "\t\n"


def shade(share, paper=_PAPER):
    """Return the background of a word, as red, green and blue of 0 to 255.

    Parameters
    ----------
    share : float
        The word's weight over the largest absolute one, in [-1, 1].
    paper : tuple of int, default=(255, 255, 255)
        The background of words that weigh nothing.
    """
    full = FOR if share > 0 else AGAINST
    part = min(abs(share), 1.0)
    return tuple(round(p + part * (f - p)) for p, f in zip(paper, full, strict=True))


def fractions(color):
    """Return a colour as matplotlib has it, with parts from 0 to 1."""
    return tuple(part / 255 for part in color)


def ink(background):
    """Return black or white, whichever is easier to read on a background.

    The contrast is at least 4.58, the square root of 21, on any background.
    """
    return max(_INKS, key=lambda color: contrast(color, background))


def contrast(color, other):
    """Return the contrast ratio of two colours, from 1 to 21, by WCAG 2."""
    low, high = sorted(map(_luminance, (color, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color):
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in color)
    )
    weights = (0.2126, 0.7152, 0.0722)
    return sum(w * part for w, part in zip(weights, linear, strict=True))


def visible(text):
    """Return `text` with U+FFFD for what cannot be shown: controls, surrogates."""
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in _SPACES else c
        for c in re.sub("\r\n?", "\n", text)
    )


def rows_of(attribution):
    """Cut a text into what is to be shaded, sentence by sentence where they weigh.

    Parameters
    ----------
    attribution : Attribution

    Returns
    -------
    rows : list of (share, pieces)
        `share` is a sentence's weight over the largest one, or None where sentences
        have none; `pieces` are pairs of a str, and its weight over the largest or, for
        what stands between the words, None. Their texts add up to the whole.
    """
    text, spans = attribution.text, attribution.spans
    sentences = attribution.sentences
    shares = _shares(sentences) if sentences else [None]
    ends = [*(sentence.start for sentence in sentences[1:]), len(text)]
    weighed = collections.deque(zip(spans, _shares(spans), strict=True))
    rows, at = [], 0
    for share, end in zip(shares, ends, strict=True):
        pieces = []
        while weighed and weighed[0][0].start < end:
            span, weight = weighed.popleft()
            pieces += [(text[at : span.start], None)]
            pieces += [(text[span.start : span.end], weight)]
            at = span.end
        pieces.append((text[at:end], None))
        at = max(at, end)
        rows.append((share, [piece for piece in pieces if piece[0]]))
    return rows


def _shares(spans):
    largest = max((abs(span.weight) for span in spans), default=0.0) or 1.0
    return [span.weight / largest for span in spans]


def to_html(attribution):
    """Return a text with its words shaded, as HTML without scripts."""
    label, method = visible(str(attribution.label)), visible(attribution.method)
    if method == "attention":
        key = [_html_word("looked at", 1.0)]
    else:
        key = [_html_word(f"for {label}", 1.0), _html_word(f"against {label}", -1.0)]
    lines = [
        f'<div style="{_style(_PAPER)};padding:.6em;line-height:1.7;'
        'unicode-bidi:isolate;overflow-wrap:anywhere">',
        f"<div>{html.escape(label)}, by {html.escape(method)} &nbsp; {' '.join(key)}"
        "</div>",
    ]
    for share, pieces in rows_of(attribution):
        words = "".join(_html_word(text, weight) for text, weight in pieces)
        bar = "" if share is None else _html_bar(share)
        lines.append(
            f'<div style="display:flex">{bar}'
            f'<div style="white-space:pre-wrap;flex:1">{words}</div></div>'
        )
    return "\n".join([*lines, "</div>"])


def _html_word(text, share):
    escaped = html.escape(visible(text))
    if share is None:
        return escaped
    return f'<span style="{_style(shade(share))}">{escaped}</span>'


def _html_bar(share):
    return (
        '<div style="width:5em;margin-right:.8em"><div style="height:.9em;'
        f'margin-top:.4em;width:{100 * share:.0f}%;background:{_hex(FOR)}"></div></div>'
    )


def _style(background):
    return f"background:{_hex(background)};color:{_hex(ink(background))}"


def _hex(color):
    return "#{:02x}{:02x}{:02x}".format(*color)


def to_terminal(attribution):
    """Return a text with its words shaded by the codes of a terminal of 256 colours."""

    def word(text, share):
        return text if abs(share) < _FAINT else _in_colour(text, shade(share))

    if attribution.method == "attention":
        key = word("looked at", 1.0)
    else:
        key = f"{word('for', 1.0)} {word('against', -1.0)}"
    return _as_lines(attribution, word, key)


def to_marks(attribution):
    """Return a text with the weights of its words in brackets, over the largest."""

    def word(text, share):
        return text if abs(share) < _FAINT else f"[{text} {share:+.2f}]"

    key = "+1.00 is the strongest word"
    if attribution.method != "attention":
        key += ", - speaks against"
    return _as_lines(attribution, word, key)


def _as_lines(attribution, word, key):
    label, method = visible(str(attribution.label)), visible(attribution.method)
    lines = [f"{label}, by {method}: {key}", ""]
    for share, pieces in rows_of(attribution):
        words = "".join(
            visible(text) if weight is None else word(visible(text), weight)
            for text, weight in pieces
        )
        lines.append(words if share is None else f"{share:4.2f}  {words.rstrip()}")
    return "\n".join(lines)


def _in_colour(text, color):
    nearest = [min(_LEVELS, key=lambda level: abs(level - part)) for part in color]
    red, green, blue = map(_LEVELS.index, nearest)
    letters = 16 if ink(nearest) == _INKS[0] else 231  # black or white
    return f"\x1b[48;5;{16 + 36 * red + 6 * green + blue};38;5;{letters}m{text}\x1b[0m"
