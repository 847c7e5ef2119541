"""Plot of a confusion matrix, for few or many classes."""

from .._highlight import to_printable

__all__ = ["draw_confusion_matrix"]

_MAX_COUNTS = 25  # classes whose cells show counts
_MAX_LABELS = 80  # classes whose labels are shown
_MAX_CHARACTERS = 24  # of a label


def draw_confusion_matrix(axes, counts, labels):
    """Draw a confusion matrix: color shows the share of the true class.

    Parameters
    ----------
    axes : matplotlib Axes
    counts : ndarray of int of shape (n_classes, n_classes)
        Number of texts by true class, in rows, and predicted class, in columns.
    labels : list of shape (n_classes,)
        Labels of the classes.

    Notes
    -----
    Up to 25 classes, the cells show the counts; up to 80 classes, the axes show the
    labels.
    """
    n_classes = len(labels)
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / totals.clip(1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("% of the true class")
    bar.outline.set_visible(False)
    axes.set(xlabel="predicted class", ylabel="true class", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    # Lines of the background between cells.
    edges = [row - 0.5 for row in range(1, n_classes)]
    if n_classes <= _MAX_LABELS:
        ticks, size = range(n_classes), 10 if n_classes <= _MAX_COUNTS else 7
        shown = [*map(_shorten, labels)]
        upright = max(map(len, shown)) * n_classes <= 40
        angle = {"rotation": 0 if upright else 90}
        axes.set_xticks(ticks, shown, fontsize=size, parse_math=False, **angle)
        axes.set_yticks(ticks, shown, fontsize=size, parse_math=False)
        axes.tick_params(length=0)
        axes.hlines(edges, -0.5, n_classes - 0.5, color="white", lw=1)
        axes.vlines(edges, -0.5, n_classes - 0.5, color="white", lw=1)
    if n_classes <= _MAX_COUNTS:
        size = 10 if n_classes <= 10 else 7
        for (row, column), count in zip(_cells(n_classes), counts.flat, strict=True):
            color = "white" if shares[row, column] > 60 else "black"
            if count:
                axes.text(
                    column,
                    row,
                    f"{count:,}",
                    color=color,
                    fontsize=size,
                    ha="center",
                    va="center",
                )


def _cells(n_classes):
    return ((row, column) for row in range(n_classes) for column in range(n_classes))


def _shorten(label):
    label = " ".join(to_printable(str(label)).split())
    if len(label) <= _MAX_CHARACTERS:
        return label
    return f"{label[: _MAX_CHARACTERS - 1]}…"
