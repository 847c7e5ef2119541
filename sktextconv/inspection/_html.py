"""Text with words highlighted by weight, as HTML."""

import html

from ._highlight import (
    BACKGROUNDS,
    POSITIVE_COLOR,
    highlight_color,
    split_rows,
    text_color,
    to_printable,
)

__all__ = ["to_html"]

_MAX_CLASSES = 12  # with a bar
_TRACK = {"light": (236, 239, 243), "dark": (52, 57, 66)}  # behind a bar
_BAR = {"light": (31, 95, 168), "dark": (106, 169, 238)}


def to_html(attribution):
    """Return the explained label, probabilities and highlighted text as HTML.

    It has no scripts and no outside resources, and follows the color scheme of the
    system, light or dark.
    """
    label = _escape(attribution.label)
    method = _escape(attribution.method)
    probabilities = dict(attribution.probabilities)
    title = f'<span style="font-size:1.4em;font-weight:600">{label}</span>'
    if attribution.label in probabilities:
        title += f" &nbsp;{_percent(probabilities[attribution.label])}"
    if attribution.method == "attention":
        legend = [_word("high attention", 1.0)]
    else:
        legend = [
            _word(f"for {attribution.label}", 1.0),
            _word(f"against {attribution.label}", -1.0),
        ]
    lines = [
        f'<div style="{_word_style(0.0)};color-scheme:light dark;padding:.8em 1em;'
        "border-radius:.5em;line-height:1.7;unicode-bidi:isolate;"
        'overflow-wrap:anywhere">',
        f"<div>{title}</div>",
        *_probability_rows(attribution.probabilities),
        f'<div style="margin:.6em 0 .3em">by {method}: &nbsp;{" ".join(legend)}</div>',
    ]
    for fraction, pieces in split_rows(attribution):
        words = "".join(_word(text, weight) for text, weight in pieces)
        bar = "" if fraction is None else _sentence_bar(fraction)
        lines.append(
            f'<div style="display:flex">{bar}'
            f'<div style="white-space:pre-wrap;flex:1">{words}</div></div>'
        )
    return "\n".join([*lines, "</div>"])


def _probability_rows(probabilities):
    """Return a row with a bar for each class, the most probable first."""
    ordered = sorted(probabilities, key=lambda pair: -pair[1])
    rows = [
        '<div style="display:flex;gap:.8em;align-items:center;max-width:34em">'
        f'<div style="flex:0 1 12em">{_escape(label)}</div>'
        f'<div style="flex:1;height:.7em;border-radius:.2em;{_background(_TRACK)}">'
        f'<div style="width:{100 * probability:.1f}%;height:100%;border-radius:.2em;'
        f'{_background(_BAR)}"></div></div>'
        f'<div style="width:4.5em;text-align:right">{_percent(probability)}</div></div>'
        for label, probability in ordered[:_MAX_CLASSES]
    ]
    if len(ordered) > _MAX_CLASSES:
        n_omitted = len(ordered) - _MAX_CLASSES
        rows.append(f"<div>{n_omitted} more classes are less likely</div>")
    return rows


def _sentence_bar(fraction):
    color = dict.fromkeys(BACKGROUNDS, POSITIVE_COLOR)
    return (
        '<div style="width:5em;margin-right:.8em">'
        f'<div style="height:.9em;margin-top:.4em;width:{100 * fraction:.0f}%;'
        f'{_background(color)}"></div></div>'
    )


def _word(text, fraction):
    escaped = _escape(text)
    if fraction is None:
        return escaped
    return f'<span style="{_word_style(fraction)};padding:.1em 0">{escaped}</span>'


def _word_style(fraction):
    """Return the CSS of a word's background and text color."""
    colors = {
        scheme: highlight_color(fraction, base) for scheme, base in BACKGROUNDS.items()
    }
    inks = {scheme: text_color(color) for scheme, color in colors.items()}
    return f"{_background(colors)};{_declare('color', inks)}"


def _background(colors):
    return _declare("background", colors)


def _declare(name, colors):
    """Return a CSS declaration of a color for each scheme, and of the light one."""
    light, dark = ("#{:02x}{:02x}{:02x}".format(*colors[k]) for k in ("light", "dark"))
    # Browsers before 2024 ignore the second declaration.
    return f"{name}:{light};{name}:light-dark({light},{dark})"


def _percent(probability):
    return f"{100 * probability:.1f} %"


def _escape(value):
    return html.escape(to_printable(str(value)))
