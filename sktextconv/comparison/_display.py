"""Display of a comparison, drawn with matplotlib."""

import warnings
from typing import TYPE_CHECKING, Literal, Self

from ..utils._files import atomic_write
from ..utils._optional_dependencies import require
from ._figures import FIGURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ._comparison import Comparison

__all__ = ["ComparisonDisplay", "write_pictures"]

_DPI = 150
_FORMS = {"png": None, "svg": {"Date": None}}  # with their metadata


class ComparisonDisplay:
    """Figure of a comparison: error against cost, curves, or a confusion matrix.

    The winner is a filled dot or a thick line, models that are as good within noise
    have the same color, and all others are gray.

    Parameters
    ----------
    comparison : Comparison
        Result of `compare`.
    kind : {"cost", "learning", "noise", "confusion"}, default="cost"
        "cost" has the error of each model, with its 95 % interval, against the CPU time
        of selection and training; the dashed line is the lowest error for each time.
        "learning" and "noise" have the error by the number of training texts, and by
        the rate of typing errors, with the interval of the winner. "confusion" has the
        confusion matrix of the winner, or the pairs of classes that it confuses most if
        there are more than 15 classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the figure.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    sktextconv.compare : Trains and compares the models.

    Notes
    -----
    Labels are placed for the size that the figure has when it is drawn; set the size
    first. A label without room is left out.

    Examples
    --------
    >>> from sktextconv import ComparisonDisplay, compare, load_docstrings
    >>> docs = load_docstrings()
    >>> X, y = docs.data[:200], docs.target[:200]
    >>> comparison = compare(X, y, models=["tfidf"], random_state=0)
    >>> display = ComparisonDisplay.from_comparison(comparison)
    >>> display.ax_.get_ylabel()
    'error, %'
    """

    ax_: "Axes"
    figure_: "Figure"

    def __init__(
        self,
        comparison: "Comparison",
        kind: Literal["cost", "learning", "noise", "confusion"] = "cost",
    ) -> None:
        self.comparison = comparison
        self.kind = kind

    @classmethod
    def from_comparison(
        cls,
        comparison: "Comparison",
        *,
        kind: Literal["cost", "learning", "noise", "confusion"] = "cost",
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a result of `compare`.

        Parameters
        ----------
        comparison : Comparison
        kind : {"cost", "learning", "noise", "confusion"}, default="cost"
            See the class.
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : ComparisonDisplay

        Raises
        ------
        ValueError
            If `kind` is unknown, or the comparison has no such curves.
        ImportError
            If matplotlib is not installed.
        """
        return cls(comparison, kind).plot(ax=ax)

    def plot(self, *, ax: "Axes | None" = None) -> Self:
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None creates a figure.

        Returns
        -------
        display : ComparisonDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `kind` is unknown, or the comparison has no such curves.
        ImportError
            If matplotlib is not installed.
        """
        if self.kind not in FIGURES:
            raise ValueError(
                f"Expected one of {', '.join(map(repr, FIGURES))} as kind, got "
                f"{self.kind!r}."
            )
        kind = FIGURES[self.kind]
        if not kind.is_available(self.comparison):
            raise ValueError(
                f"Expected a comparison with data for kind={self.kind!r}, got one "
                f"without. {kind.hint}"
            )
        pyplot = require("matplotlib.pyplot", by=type(self).__name__, extra="plot")
        if ax is None:
            _, ax = pyplot.subplots(figsize=kind.size, layout="constrained")
        kind.draw(self.comparison, ax)
        self.ax_, self.figure_ = ax, ax.figure.figure  # that of a subfigure, too
        return self


def write_pictures(comparison, folder):
    """Write PNG and SVG files of all figures that the comparison has data for.

    Files of other figures, of an older comparison, are removed.
    """
    matplotlib = require("matplotlib", by="write", extra="plot")
    figures = require("matplotlib.figure", by="write", extra="plot")
    for kind, figure in FIGURES.items():
        if not figure.is_available(comparison):
            for form in _FORMS:
                (folder / f"{figure.file}.{form}").unlink(missing_ok=True)
            continue
        picture = figures.Figure(figsize=figure.size, layout="constrained")
        with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": kind}):
            # Missing glyphs are drawn as boxes.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            ComparisonDisplay.from_comparison(
                comparison, kind=kind, ax=picture.subplots()
            )
            for form, metadata in _FORMS.items():
                with atomic_write(folder / f"{figure.file}.{form}") as file:
                    picture.savefig(file, format=form, dpi=_DPI, metadata=metadata)
