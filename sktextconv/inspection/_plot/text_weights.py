"""Display of a text with highlighted words."""

import itertools
import re
import warnings
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from ...utils._optional_dependencies import require
from .._attribution import Attribution
from .._explain import explain
from .._highlight import (
    NEGATIVE_COLOR,
    POSITIVE_COLOR,
    highlight_color,
    split_rows,
    text_color,
    to_printable,
    to_unit_rgb,
)
from .._html import to_html

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.base import BaseEstimator

    from ...persistence import OnnxClassifier

__all__ = ["TextWeightsDisplay"]

# Sizes of text lines and sentence bars, in units of the font size.
_LINE_WIDTH, _LINE_HEIGHT, _SPACE_WIDTH, _PADDING = 48.0, 1.7, 0.25, 0.1
_BAR_WIDTH, _BAR_GAP = 6.0, 1.0
_UNIT_INCHES = 0.17  # of a new figure

# Limits of a figure: lines, characters of a word, characters of the label.
_MAX_LINES, _MAX_CHARACTERS, _MAX_LABEL = 100, 20_000, 60


class TextWeightsDisplay:
    """Text with words highlighted by their contribution to a label.

    Orange words support the label, blue words oppose it; darker words weigh more. With
    attention weights, each sentence starts a new line after a bar that shows its
    weight. Notebooks show the display as HTML.

    Parameters
    ----------
    attribution : Attribution
        Result of `explain`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the text.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    sktextconv.explain : Computes the weights.

    Notes
    -----
    Colors are relative to the largest weight of the text, so they cannot be compared
    between texts. A figure shows the first 100 lines; a notebook shows all. Characters
    missing from matplotlib's font are drawn as boxes; set another font with
    ``matplotlib.rcParams["font.family"]``. Control characters and lone surrogates are
    replaced with U+FFFD.

    Examples
    --------
    >>> from sktextconv import TextWeightsDisplay, make_bow_classifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"]
    >>> classifier = make_bow_classifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> display = TextWeightsDisplay.from_estimator(classifier, "A film, but so long!")
    >>> display.ax_.get_title()
    'pos, by occlusion'
    """

    def __init__(self, attribution: Attribution) -> None:
        self.attribution = attribution

    @classmethod
    def from_estimator(
        cls,
        estimator: "BaseEstimator | OnnxClassifier",
        text: str,
        *,
        method: Literal["occlusion", "gradient", "attention"] = "occlusion",
        target: object = None,
        ax: "Axes | None" = None,
    ) -> Self:
        """Explain the prediction for a text and draw the result.

        Parameters
        ----------
        estimator : fitted classifier
            Any text classifier.
        text : str
            One text.
        method : {"occlusion", "gradient", "attention"}, default="occlusion"
            See `explain`.
        target : label, default=None
            The label to explain; None takes the predicted one.
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : TextWeightsDisplay

        Raises
        ------
        ValueError, TypeError
            As in `explain`.
        ImportError
            If matplotlib is not installed.
        """
        attribution = explain(estimator, text, method=method, target=target)
        return cls.from_attribution(attribution, ax=ax)

    @classmethod
    def from_attribution(
        cls, attribution: Attribution, *, ax: "Axes | None" = None
    ) -> Self:
        """Draw a result of `explain`.

        Parameters
        ----------
        attribution : Attribution
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : TextWeightsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(attribution).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw the text.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure that fits the text.

        Returns
        -------
        display : TextWeightsDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        attribution = self.attribution
        with warnings.catch_warnings():
            # Missing glyphs are drawn as boxes.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            lines, bars = _layout_lines(split_rows(attribution))
        left = -(_BAR_WIDTH + _BAR_GAP) if attribution.sentences else 0.0
        height = len(lines) * _LINE_HEIGHT
        if ax is None:
            units = np.array([_LINE_WIDTH - left + 1, height + 4])
            _, ax = pyplot.subplots(figsize=_UNIT_INCHES * units, layout="constrained")
        bottom, top = _LINE_HEIGHT - 0.5 - height, _LINE_HEIGHT - 0.5
        # Text colors assume a white background, whatever the style of the figure.
        page = (left - 0.5, bottom), _LINE_WIDTH + 1 - left, height
        ax.add_artist(pyplot.Rectangle(*page, color="white", linewidth=0))
        for number, line in enumerate(lines):
            for word in line:
                _draw_word(ax, -number * _LINE_HEIGHT, *word)
        for number, fraction in bars:
            bar = (left, -number * _LINE_HEIGHT), fraction * _BAR_WIDTH, 0.75
            color = to_unit_rgb(POSITIVE_COLOR)
            ax.add_artist(pyplot.Rectangle(*bar, color=color, linewidth=0))
        ax.set_xlim(left - 0.5, _LINE_WIDTH + 0.5)
        ax.set_ylim(bottom, top)
        ax.set_aspect("equal", anchor="N")
        ax.axis("off")
        label = " ".join(to_printable(str(attribution.label)).split())
        if len(label) > _MAX_LABEL:
            label = f"{label[: _MAX_LABEL - 1]}…"
        ax.set_title(f"{label}, by {attribution.method}", parse_math=False, wrap=True)
        colors = {"for": POSITIVE_COLOR, "against": NEGATIVE_COLOR}
        if attribution.method == "attention":
            colors = {"high attention": POSITIVE_COLOR}
        keys = [
            pyplot.Rectangle((0, 0), 1, 1, color=to_unit_rgb(color), label=name)
            for name, color in colors.items()
        ]
        ax.legend(
            handles=keys,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=len(keys),
            frameon=False,
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _repr_html_(self):
        return to_html(self.attribution)


def _layout_lines(rows):
    """Break the pieces of a text into lines.

    Parameters
    ----------
    rows : list of (fraction, pieces)
        As returned by `split_rows`.

    Returns
    -------
    lines : list of list of (x, glyphs, width, fraction)
        Words of each line. `glyphs` is a path with its left end at 0; `fraction` is
        None for text that is not highlighted.
    bars : list of (line, fraction)
        First line and weight of each sentence that has a weight.
    """
    lines, bars = [], []
    for row_fraction, pieces in rows:
        if not lines or lines[-1]:
            lines.append([])
        if row_fraction is not None:
            bars.append((len(lines) - 1, row_fraction))
        x = 0.0
        chunks = (
            (chunk, fraction)
            for text, fraction in pieces
            for chunk in re.findall(r"\n|[^\S\n]+|\S+", to_printable(text))
        )
        # Keep words that touch, as a word and its comma, on one line if possible.
        for is_space, run in itertools.groupby(chunks, lambda each: each[0].isspace()):
            if len(lines) > _MAX_LINES:
                break
            if is_space:
                for chunk, _ in run:
                    x += _SPACE_WIDTH * len(chunk.expandtabs(4))
                    if chunk == "\n":
                        lines.append([])
                        x = 0.0
                continue
            words = [word for chunk in run for word in _render_glyphs(*chunk)]
            together = sum(width for _, width, _ in words) <= _LINE_WIDTH
            room = sum(width for _, width, _ in words) if together else 0.0
            for glyphs, width, fraction in words:
                if x > 0 and x + max(width, room) > _LINE_WIDTH:
                    lines.append([])
                    x = 0.0
                lines[-1].append((x, glyphs, width, fraction))
                x, room = x + width, 0.0
    if len(lines) > _MAX_LINES:
        more = [(0.0, *word) for word in _render_glyphs("[…]", None)]
        lines[_MAX_LINES:] = [more]
        bars = [bar for bar in bars if bar[0] < _MAX_LINES]
    return lines, bars


def _render_glyphs(text, fraction):
    """Return (glyphs, width, fraction) of a word, split if it is wider than a line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path

    text = text[:_MAX_CHARACTERS]
    if len(text) <= 4 * _LINE_WIDTH:
        points, codes = text_to_path.get_text_path(FontProperties(), text)
        points = np.reshape(points, (-1, 2)) / text_to_path.FONT_SCALE
        width = max(points[:, 0].max(initial=0.0), 0.0) + 2 * _PADDING
        if width <= _LINE_WIDTH or len(text) == 1:
            # Invisible characters, such as joiners, have no points.
            glyphs = Path(points, codes if len(points) else None)
            return [(glyphs, width, fraction)]
    half = len(text) // 2
    left, right = text[:half], text[half:]
    return _render_glyphs(left, fraction) + _render_glyphs(right, fraction)


def _draw_word(ax, y, x, glyphs, width, fraction):
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.transforms import Affine2D

    # Unlike add_patch, add_artist does not update the limits of the axes.
    color = (0, 0, 0)
    if fraction is not None:
        background = highlight_color(fraction)
        color = text_color(background)
        box = Rectangle((x, y - 0.35), width, 1.35, color=to_unit_rgb(background))
        box.set_linewidth(0)
        ax.add_artist(box)
    glyphs = glyphs.transformed(Affine2D().translate(x + _PADDING, y))
    patch = PathPatch(glyphs, color=to_unit_rgb(color), linewidth=0)
    # Snapping to pixels would move dots and dashes, or hide them.
    patch.set_snap(False)
    ax.add_artist(patch)
