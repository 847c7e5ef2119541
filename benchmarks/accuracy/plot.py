"""Figure of test error against CPU time of training, from the committed results.

python -m benchmarks.accuracy.plot
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib import pyplot as plt

from sktextconv.base import BaseTextNetClassifier
from sktextconv.comparison import Estimate
from sktextconv.comparison._charts import find_frontier
from sktextconv.comparison._figures import PointStyle, draw_cost

from .._record import RESULTS
from .models import ROWS
from .published import PUBLISHED_SIZES
from .tables import README_DATA, README_ROWS, read_results, readme_lines

__all__ = ["PATH", "Point", "draw", "points"]

PATH = Path(__file__).parents[2] / "docs" / "images" / "error_by_time.png"
_LINEAR, _NETWORK = "#0b6e99", "#c2410c"


class Point(NamedTuple):
    """Result of a model: its error as a fraction, and the seconds of training.

    The seconds are CPU time, or wall time if the record has no other (`by_wall`).
    """

    model: str
    error: Estimate
    cpu_seconds: Estimate
    by_wall: bool


def points(found, data):
    """Return the `Point` of each row of the README."""
    made = []
    for name, line in readme_lines(found, data).items():
        error = Estimate(*(each / 100 for each in (line.error(), *line.interval())))
        seconds, by_wall = line.seconds("train")
        made.append(Point(name, error, Estimate(*[seconds] * 3), by_wall))
    return made


def draw(found):
    """Return the figure, with an axes for each data set."""
    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure, axes_row = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
        axes_row[0].set_ylabel("test error, %")
        for label, marker, color in (
            ("network", "s", _NETWORK),
            ("linear model", "o", _LINEAR),
        ):
            axes_row[0].plot([], [], marker, color=color, label=label)
        axes_row[0].legend(loc="upper left", frameon=False, labelcolor="linecolor")
        shown = {data: points(found, data) for data in README_DATA}
        label = "CPU seconds of training, one thread"
        if any(point.by_wall for each in shown.values() for point in each):
            label += "; hollow: wall time of a shared machine"
        figure.supxlabel(label, fontsize=10)
        for axes, data in zip(axes_row, README_DATA, strict=True):
            n_train = found[data][0]["n_train_available"]
            whole, _ = PUBLISHED_SIZES[data]
            size = f"{n_train:,}" if n_train == whole else f"{n_train:,} of {whole:,}"
            title = f"{README_DATA[data]}, {size} training texts"
            axes.set_title(title, fontsize=11)
        # Labels are placed last, when all else has its size.
        for axes, data in zip(axes_row, README_DATA, strict=True):
            draw_cost(shown[data], axes, _make_style(shown[data]))
    return figure


def _make_style(made):
    """Return the function of a model that returns the style of its point."""
    best, by_wall = find_frontier(made), {each.model: each.by_wall for each in made}

    def style(model):
        color, marker = (_NETWORK, "s") if _is_network(model) else (_LINEAR, "o")
        return PointStyle(color, not by_wall[model], model in best, marker)

    return style


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
