"""Exponents of the measured growth of cost: table and figures; measures nothing."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from .._record import RESULTS

__all__ = ["COSTS", "RESULT", "draw", "exponent_of", "fit_exponent", "table"]

RESULT = RESULTS / "growth.json"
COSTS = {"cpu_seconds": "CPU seconds of fit", "mib": "MiB added by fit"}
_AXES = {
    "texts": "number of texts",
    "length": "words per text",
    "classes": "number of classes",
    "vocabulary": "different words",
}
_LINEAR = ("BoW", "n-grams", "naive Bayes", "TF-IDF")
# Below these, the cost is mostly that of a small model, and an exponent means nothing.
_FLOORS = {"cpu_seconds": 0.0, "mib": 8.0}


def fit_exponent(sizes, costs):
    """Return the slope of log cost over log size, and its standard error.

    Only the largest decade of sizes counts, in which constant costs matter least, but
    at least three sizes.
    """
    sizes, costs = np.asarray(sizes, dtype=float), np.asarray(costs, dtype=float)
    upper = sizes >= min(sizes.max() / 10 * (1 - 1e-9), np.sort(sizes)[-3:][0])
    x, y = np.log(sizes[upper]), np.log(costs[upper])
    x, y = x - x.mean(), y - y.mean()
    slope = (x @ y) / (x @ x)
    residual = y - slope * x
    variance = (residual @ residual) / max(len(x) - 2, 1) / (x @ x)
    return float(slope), float(np.sqrt(variance))


def exponent_of(factor, points, key):
    """Return exponent and standard error of a curve, or None if it is too short.

    None also where the largest cost is so low that constant costs dominate it.
    """
    if len(points) < 3 or max(point[key] for point in points) < _FLOORS[key]:
        return None
    sizes, costs = _curve(factor, points, key)
    return fit_exponent(sizes, np.maximum(costs, 1e-3))


def _curve(factor, points, key):
    """Return ascending sizes and their costs; vocabularies have the words drawn."""
    size = "words" if factor == "vocabulary" else factor
    pairs = sorted((point[size], point[key]) for point in points)
    return tuple(np.array(each) for each in zip(*pairs, strict=True))


def _families_of(curves):
    """Return the names of all families, linear models first."""
    found = dict.fromkeys(name for each in curves.values() for name in each)
    networks = [name for name in found if name not in _LINEAR]
    return [name for name in _LINEAR if name in found] + networks


def table(result, key):
    """Return the exponents of `key` as rows of cells; the first is the header."""
    curves = result["curves"]
    rows = [("", *(_AXES[factor].capitalize() for factor in curves))]
    for family in _families_of(curves):
        cells = []
        for factor, by_family in curves.items():
            points = by_family.get(family, {"points": []})["points"]
            found = exponent_of(factor, points, key)
            cells.append("" if found is None else f"{found[0]:.2f} ± {found[1]:.2f}")
        rows.append((family, *cells))
    return rows


def draw(result, key):
    """Return the figure of a cost, with an axes for each factor."""
    curves = result["curves"]
    families = _families_of(curves)
    colors = mpl.colormaps["tab10"]
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    axes_grid = figure.subplots(2, 2)
    for axes, (factor, by_family) in zip(axes_grid.flat, curves.items(), strict=False):
        for family, curve in by_family.items():
            sizes, costs = _curve(factor, curve["points"], key)
            marker = "o" if family in _LINEAR else "s"
            color = colors(families.index(family))
            axes.plot(sizes, costs, marker, linestyle="-", color=color, markersize=4)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(_AXES[factor])
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid(alpha=0.25, linewidth=0.6)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter("{:,g}".format))
            axis.set_minor_formatter(NullFormatter())
    for axes in axes_grid[:, 0]:
        axes.set_ylabel(COSTS[key])
    handles = [
        Line2D(
            [],
            [],
            marker="o" if family in _LINEAR else "s",
            color=colors(index),
            label=family,
        )
        for index, family in enumerate(families)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
    return figure
