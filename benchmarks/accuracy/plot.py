"""Figure of test error against CPU time of training, from the committed results.

python -m benchmarks.accuracy.plot
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects, pyplot as plt
from matplotlib.ticker import FuncFormatter

from sktextconv.base import BaseTextNetClassifier

from .._record import RESULTS
from .models import ROWS
from .published import PUBLISHED_SIZES
from .tables import README_DATA, README_ROWS, read_results, readme_lines

__all__ = ["PATH", "Point", "draw", "frontier", "points"]

PATH = Path(__file__).parents[2] / "docs" / "images" / "error_by_time.png"
_LINEAR, _NETWORK, _FRONTIER = "#0b6e99", "#c2410c", "#475569"
_HALO = [patheffects.withStroke(linewidth=3, foreground="white")]
# Offsets of labels from their points, in typographic points. The default is (8, 0).
_OFFSETS = {
    ("ag_news", "BoW TFIDF"): (0, 25),
    ("ag_news", "fastText, bigrams"): (0, 25),
    ("ag_news", "ngrams TFIDF"): (8, 8),
    ("ag_news", "TF-IDF, SVM"): (0, -25),
    ("ag_news", "ngrams NB"): (8, -14),
    ("ag_news", "KimCNN"): (0, 24),
    ("ag_news", "LSTM"): (-8, 0),
    ("imdb", "BoW TFIDF"): (0, 18),
    ("imdb", "fastText, bigrams"): (8, 0),
    ("imdb", "TF-IDF, SVM"): (-8, 0),
    ("imdb", "ngrams TFIDF"): (8, 8),
    ("imdb", "ngrams NB"): (0, -18),
    ("imdb", "LSTM"): (-8, 0),
}
_FRONTIER_LABEL_AT = {"ag_news": 100, "imdb": 900}  # seconds


class Point(NamedTuple):
    """Seconds of training, error and its 95 % interval.

    The seconds are CPU time, or wall time if the record has no other (`by_wall`).
    """

    seconds: float
    error: float
    low: float
    high: float
    by_wall: bool


def points(found, data):
    """Return the `Point` of each row, by its name."""
    by_name = {}
    for name, line in readme_lines(found, data).items():
        low, high = line.interval()
        seconds, by_wall = line.seconds("train")
        by_name[name] = Point(seconds, line.error(), low, high, by_wall)
    return by_name


def frontier(by_name):
    """Return the names on the Pareto frontier of time and error, fastest first."""
    names, best = [], float("inf")
    for name, (_, error, *_) in sorted(by_name.items(), key=lambda item: item[1]):
        if error < best:
            names.append(name)
            best = error
    return names


def draw(found):
    """Return the figure, with an axes for each data set."""
    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure, axes_row = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
        for axes, data in zip(axes_row, README_DATA, strict=True):
            _draw_data(axes, data, found)
        axes_row[0].set_ylabel("test error, %")
        for label, marker, color in (
            ("network", "s", _NETWORK),
            ("linear model", "o", _LINEAR),
        ):
            axes_row[0].plot([], [], marker, color=color, label=label)
        axes_row[0].legend(loc="upper left", frameon=False, labelcolor="linecolor")
        label = "CPU seconds of training, one thread"
        shown = [points(found, data).values() for data in README_DATA]
        if any(point.by_wall for each in shown for point in each):
            label += "; hollow: wall time of a shared machine"
        figure.supxlabel(label, fontsize=10)
    return figure


def _draw_data(axes, data, found):
    by_name = points(found, data)
    best = frontier(by_name)
    seconds, errors = zip(*(by_name[name][:2] for name in best), strict=True)
    right = 1.15 * max(point.seconds for point in by_name.values())
    axes.step(
        [*seconds, right],
        [*errors, errors[-1]],
        where="post",
        color=_FRONTIER,
        linewidth=1.2,
        linestyle=(0, (4, 2)),
        zorder=1,
    )
    at = _FRONTIER_LABEL_AT[data]
    reached = min(point.error for point in by_name.values() if point.seconds <= at)
    axes.annotate(
        "frontier",
        (at, reached),
        (0, -4),
        textcoords="offset points",
        va="top",
        fontsize=9.5,
        fontstyle="italic",
        color=_FRONTIER,
    )
    for name, point in by_name.items():
        _draw_point(axes, data, name, point, is_best=name in best)
    n_train = found[data, None][0]["n_train"]
    whole, _ = PUBLISHED_SIZES[data]
    size = f"{n_train:,}" if n_train == whole else f"{n_train:,} of {whole:,}"
    axes.set_title(f"{README_DATA[data]}, {size} training texts", fontsize=11)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter("{:,.0f}".format))
    axes.set_xlim(0.4, 5 * right)
    axes.set_ylim(bottom=min(point.low for point in by_name.values()) - 1)
    axes.grid(alpha=0.25, linewidth=0.6)


def _draw_point(axes, data, name, point, *, is_best):
    is_network = _is_network(name)
    color = _NETWORK if is_network else _LINEAR
    axes.errorbar(
        point.seconds,
        point.error,
        [[point.error - point.low], [point.high - point.error]],
        fmt="s" if is_network else "o",
        color=color,
        markerfacecolor="white" if point.by_wall else color,
        markersize=6,
        capsize=2.5,
        elinewidth=1.2,
    )
    x, y = _OFFSETS.get((data, name), (8, 0))
    axes.annotate(
        name,
        (point.seconds, point.error),
        (x, y),
        textcoords="offset points",
        ha=("center", "left", "right")[np.sign(x)],
        va="center",
        fontsize=9,
        fontweight="bold" if is_best else "normal",
        color=color,
        path_effects=_HALO,
    )


def _is_network(name):
    first, *_ = README_ROWS[name]
    return isinstance(ROWS[first.partition(",")[0]].make(), BaseTextNetClassifier)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.plot",
        description=__doc__.partition("\n")[0],
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args()
    mpl.use("Agg")
    found = read_results(options.results)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    shown = {data: points(found, data) for data in README_DATA}
    draw(found).savefig(
        options.out,
        dpi=120,
        facecolor="white",
        # A test compares this description with the results.
        metadata={"Description": json.dumps(shown)},
    )


if __name__ == "__main__":
    main()
