"""A text with its words shaded."""

import itertools
import re
import warnings
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from ...utils._optional_dependencies import require
from .._attribution import Attribution
from .._explain import explain
from .._highlight import AGAINST, FOR, fractions, ink, rows_of, shade, to_html, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.base import BaseEstimator

    from ...persistence import OnnxClassifier

__all__ = ["TextWeightsDisplay"]

# In units of the font's size: lines of text, and the bars before sentences.
_LINE_WIDTH, _LINE_HEIGHT, _SPACE_WIDTH, _PADDING = 48.0, 1.7, 0.25, 0.1
_BAR_WIDTH, _BAR_GAP = 6.0, 1.0
_INCHES = 0.17  # of a unit, in a figure of its own

# More is not drawn: lines, the characters that fill them, and those of a label.
_MAX_LINES, _MAX_CHARACTERS, _MAX_LABEL = 100, 20_000, 60


class TextWeightsDisplay:
    """A text, each word shaded by how it speaks for a label.

    Orange words speak for the label, blue ones against it, the stronger the darker.
    With the weights of attention, each sentence stands on a line of its own, behind a
    bar as long as it weighs. In a notebook, the display shows itself as HTML.

    Parameters
    ----------
    attribution : Attribution
        What `explain` returned.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the text stands.
    figure_ : matplotlib Figure
        The figure that holds it.

    See Also
    --------
    sktextconv.explain : The numbers, for each word.

    Notes
    -----
    Shades are relative to the heaviest word of the text, so that two pictures do not
    compare. A picture holds the first 100 lines; in a notebook nothing is left out.
    Letters that matplotlib's font does not have are boxes; choose another with
    ``matplotlib.rcParams["font.family"]``. Control characters and lone surrogates are
    U+FFFD.

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
        """Explain the class of a text, and draw the answer.

        Parameters
        ----------
        estimator : fitted classifier
            Any classifier of texts.
        text : str
            One text.
        method : {"occlusion", "gradient", "attention"}, default="occlusion"
            See `explain`.
        target : label, default=None
            The label to speak for. None is the one that is predicted.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : TextWeightsDisplay

        Raises
        ------
        ValueError, TypeError
            As `explain` does.
        ImportError
            If matplotlib is not installed.
        """
        attribution = explain(estimator, text, method=method, target=target)
        return cls.from_attribution(attribution, ax=ax)

    @classmethod
    def from_attribution(
        cls, attribution: Attribution, *, ax: "Axes | None" = None
    ) -> Self:
        """Draw what `explain` returned.

        Parameters
        ----------
        attribution : Attribution
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

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
            Where to draw; None makes a new figure, as high as the text needs.

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
        with warnings.catch_warnings():  # a letter without a picture is a box
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            lines, bars = _lay_out(rows_of(attribution))
        left = -(_BAR_WIDTH + _BAR_GAP) if attribution.sentences else 0.0
        height = len(lines) * _LINE_HEIGHT
        if ax is None:
            units = np.array([_LINE_WIDTH - left + 1, height + 4])
            _, ax = pyplot.subplots(figsize=_INCHES * units, layout="constrained")
        bottom, top = _LINE_HEIGHT - 0.5 - height, _LINE_HEIGHT - 0.5
        # Inks are made for paper, whatever the style of the figure.
        page = (left - 0.5, bottom), _LINE_WIDTH + 1 - left, height
        ax.add_artist(pyplot.Rectangle(*page, color="white", linewidth=0))
        for number, line in enumerate(lines):
            for word in line:
                _draw_word(ax, -number * _LINE_HEIGHT, *word)
        for number, share in bars:
            bar = (left, -number * _LINE_HEIGHT), share * _BAR_WIDTH, 0.75
            ax.add_artist(pyplot.Rectangle(*bar, color=fractions(FOR), linewidth=0))
        ax.set_xlim(left - 0.5, _LINE_WIDTH + 0.5)
        ax.set_ylim(bottom, top)
        ax.set_aspect("equal", anchor="N")
        ax.axis("off")
        label = " ".join(visible(str(attribution.label)).split())
        if len(label) > _MAX_LABEL:
            label = f"{label[: _MAX_LABEL - 1]}…"
        ax.set_title(f"{label}, by {attribution.method}", parse_math=False, wrap=True)
        signs = {"for": FOR, "against": AGAINST}
        if attribution.method == "attention":
            signs = {"looked at": FOR}
        keys = [
            pyplot.Rectangle((0, 0), 1, 1, color=fractions(color), label=sign)
            for sign, color in signs.items()
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


def _lay_out(rows):
    """Break the pieces of a text into lines.

    Parameters
    ----------
    rows : list of (share, pieces)
        As `rows_of` returns them.

    Returns
    -------
    lines : list of list of (x, letters, width, share)
        `letters` are a path whose left end is 0; `share` is None where nothing is
        shaded.
    bars : list of (line, share)
        Where each sentence begins, and its weight, where sentences have one.
    """
    lines, bars = [], []
    for row_share, pieces in rows:
        if not lines or lines[-1]:
            lines.append([])
        if row_share is not None:
            bars.append((len(lines) - 1, row_share))
        x = 0.0
        chunks = (
            (chunk, share)
            for text, share in pieces
            for chunk in re.findall(r"\n|[^\S\n]+|\S+", visible(text))
        )
        # What no white space parts stays on one line, if it can.
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
            words = [word for chunk in run for word in _set_letters(*chunk)]
            together = sum(width for _, width, _ in words) <= _LINE_WIDTH
            room = sum(width for _, width, _ in words) if together else 0.0
            for letters, width, share in words:
                if x > 0 and x + max(width, room) > _LINE_WIDTH:
                    lines.append([])
                    x = 0.0
                lines[-1].append((x, letters, width, share))
                x, room = x + width, 0.0
    if len(lines) > _MAX_LINES:
        more = [(0.0, *word) for word in _set_letters("[…]", None)]
        lines[_MAX_LINES:] = [more]
        bars = [bar for bar in bars if bar[0] < _MAX_LINES]
    return lines, bars


def _set_letters(text, share):
    """Return (letters, width, share) of a word, of its parts if no line holds it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import text_to_path

    text = text[:_MAX_CHARACTERS]
    if len(text) <= 4 * _LINE_WIDTH:
        points, codes = text_to_path.get_text_path(FontProperties(), text)
        points = np.reshape(points, (-1, 2)) / text_to_path.FONT_SCALE
        width = max(points[:, 0].max(initial=0.0), 0.0) + 2 * _PADDING
        if width <= _LINE_WIDTH or len(text) == 1:
            # Of an invisible character, such as a joiner, there are no points.
            letters = Path(points, codes if len(points) else None)
            return [(letters, width, share)]
    half = len(text) // 2
    return _set_letters(text[:half], share) + _set_letters(text[half:], share)


def _draw_word(ax, y, x, letters, width, share):
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.transforms import Affine2D

    # The limits are known: artists do not move them, as patches would.
    color = (0, 0, 0)
    if share is not None:
        background = shade(share)
        color = ink(background)
        box = Rectangle((x, y - 0.35), width, 1.35, color=fractions(background))
        box.set_linewidth(0)
        ax.add_artist(box)
    letters = letters.transformed(Affine2D().translate(x + _PADDING, y))
    patch = PathPatch(letters, color=fractions(color), linewidth=0)
    patch.set_snap(False)  # it would move dots and dashes, or lose them
    ax.add_artist(patch)
