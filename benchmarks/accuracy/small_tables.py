"""Tables and figure of the models on few texts; measures nothing.

Intervals are of 95 %. They cover the choice of the training texts and seeds, and that
of the held-out texts: the two variances add up, with Welch's degrees of freedom.
"""

import base64
import json
from collections import defaultdict
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from scipy.stats import t as student_t

from sktextconv.comparison._format import format_integer

from .._render import as_list_table
from .small import FOLDER, LINEAR, MODELS, REFERENCE
from .small_data import DATA

__all__ = ["Mean", "draw", "read_records", "render", "render_verdicts"]

_LEVEL = 0.95
_N_COLUMNS = 2  # of the figure
_TICKS = (1, 2, 3, 4, 5, 7, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 90)
_GRAYS = ("0", "0.3", "0.5", "0.65")  # of linear models
_COLORS = [color for color in mpl.colormaps["tab10"].colors if len(set(color)) > 1]


class Mean(NamedTuple):
    """Mean over seeds, in %, half of its interval, and the number of seeds.

    The half is NaN for a single seed.
    """

    value: float
    half: float
    n_seeds: int

    def __format__(self, sign):
        margin = "" if np.isnan(self.half) else f" ± {self.half:.1f}"
        return f"{self.value:{sign}.1f}{margin}"


def read_records(folder=FOLDER):
    """Return the runs by data set, model, number of texts and seed."""
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for path in sorted(Path(folder).glob("*.json")):
        for run in json.loads(path.read_text()):
            found[run["data"]][run["model"]][run["n_train"]][run["seed"]] = run
    return found


def _wrong(run):
    bits = np.frombuffer(base64.b64decode(run["wrong"]), dtype=np.uint8)
    return np.unpackbits(bits, count=run["n_valid"]).astype(float)


def mean_error(runs):
    """Return the `Mean` of the errors of runs by seed."""
    return _mean([_wrong(run) for run in runs.values()])


def mean_difference(runs, others):
    """Return the `Mean` of the errors minus those of others, on the same texts.

    Only seeds of both count; None without any.
    """
    seeds = sorted(runs.keys() & others.keys())
    if not seeds:
        return None
    return _mean([_wrong(runs[seed]) - _wrong(others[seed]) for seed in seeds])


def _mean(by_seed):
    """Return the `Mean` of values of shape (n_seeds, n_texts)."""
    by_seed = 100 * np.array(by_seed)
    n_seeds, n_texts = by_seed.shape
    value = float(by_seed.mean())
    if n_seeds == 1:
        return Mean(value, float("nan"), 1)
    of_seeds = by_seed.mean(1).var(ddof=1) / n_seeds
    of_texts = by_seed.mean(0).var(ddof=1) / n_texts
    variance = of_seeds + of_texts
    if variance == 0:
        return Mean(value, 0.0, n_seeds)
    # Degrees of freedom of a sum of variances, after Welch and Satterthwaite.
    freedom = variance**2 / (of_seeds**2 / (n_seeds - 1) + of_texts**2 / (n_texts - 1))
    quantile = student_t.ppf((1 + _LEVEL) / 2, freedom)
    return Mean(value, float(quantile * np.sqrt(variance)), n_seeds)


# ---------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------


def render(found):
    """Return a reST table for each data set, with a row per model; "" without runs."""
    parts = []
    for data, source in DATA.items():
        if data not in found:
            continue
        by_model = found[data]
        sizes = _sizes(by_model)
        run = _first_run(by_model)
        rows = [("Model", *map(format_integer, sizes), "CPU s", "Seeds")]
        rows += [
            _row(name, by_model[name], sizes) for name in MODELS if name in by_model
        ]
        heading = (
            f"**{source.name}**: {run['n_classes']} classes, measured on "
            f"{format_integer(run['n_valid'])} texts. Errors in % by the number of "
            "training texts:\n"
        )
        parts += [heading, as_list_table(rows)]
    return "\n".join(parts)


def _row(name, by_size, sizes):
    errors = [f"{mean_error(by_size[n])}" if n in by_size else "" for n in sizes]
    largest = by_size[max(by_size)].values()
    seconds = np.median([run["cpu_seconds"] for run in largest])
    n_seeds = sorted({len(runs) for runs in by_size.values()})
    shown = f"{seconds:.1f}" if seconds < 10 else f"{seconds:,.0f}"
    if max(by_size) < max(sizes):
        shown += f" ({format_integer(max(by_size))} texts)"
    return (name, *errors, shown, "–".join(map(str, {n_seeds[0]: 0, n_seeds[-1]: 0})))


def _sizes(by_model):
    return sorted({n for by_size in by_model.values() for n in by_size})


def _first_run(by_model):
    by_size = next(iter(by_model.values()))
    return next(iter(next(iter(by_size.values())).values()))


def render_verdicts(found):
    """Return a reST table: at which sizes each model is better than TF-IDF.

    Returns
    -------
    table : str
        "" without runs of two models. The difference is that of the largest size.
    """
    data = [name for name in DATA if REFERENCE in found.get(name, {})]
    rows = [("Model", *(DATA[each].name for each in data))]
    for name in MODELS:
        if name == REFERENCE:
            continue
        cells = [_compare(found[each].get(name, {}), found[each]) for each in data]
        if any(cells):
            rows.append((name, *cells))
    return as_list_table(rows) if len(rows) > 1 else ""


def _compare(by_size, by_model):
    """Return a phrase about a model against TF-IDF, or "" without runs."""
    differences = {
        n_train: mean_difference(by_size[n_train], by_model[REFERENCE][n_train])
        for n_train in sorted(by_size)
        if n_train in by_model[REFERENCE]
    }
    sizes_of = defaultdict(list)
    for n_train, difference in differences.items():
        if difference is not None:
            sizes_of[_verdict(difference)].append(n_train)
            last = f"{format_integer(n_train)}: {difference:+}"
    if not sizes_of:
        return ""
    every = sorted(by_model[REFERENCE])
    phrases = [
        f"{verdict} at {_list_sizes(sizes, every)}"
        for verdict, sizes in sizes_of.items()
    ]
    return f"{'; '.join(phrases)} ({last})"


def _list_sizes(sizes, every):
    return "all sizes" if sizes == every else ", ".join(map(format_integer, sizes))


def _verdict(difference):
    if difference.n_seeds == 1:
        return "one seed"
    if difference.value + difference.half < 0:
        return "better"
    return "worse" if difference.value - difference.half > 0 else "open"


# ---------------------------------------------------------------------------
# Figure
# ---------------------------------------------------------------------------


def draw(found):
    """Return the figure of error against number of texts, an axes for each data set."""
    style = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    shown = [data for data in DATA if data in found]
    names = [name for name in MODELS if any(name in found[data] for data in shown)]
    with mpl.rc_context(style):
        n_rows = -(-len(shown) // _N_COLUMNS)
        figure = Figure(figsize=(9, 1 + 3.6 * n_rows), layout="constrained")
        grid = figure.subplots(n_rows, _N_COLUMNS, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, data in zip(grid.flat, shown, strict=False):
            _draw_panel(axes, found[data], names)
            axes.set_title(DATA[data].name, fontsize=11)
        for axes in grid[:, 0]:
            axes.set_ylabel("error, %")
        handles, labels = {}, [*names]
        for axes in grid.flat[: len(shown)]:
            handles |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(
            [handles[name] for name in labels],
            labels,
            loc="outside lower center",
            ncols=5,
            frameon=False,
        )
    return figure


def _draw_panel(axes, by_model, names):
    axes.set_xscale("log")
    axes.set_yscale("log")
    networks = [name for name in names if name not in LINEAR]
    colors = dict(zip(LINEAR, _GRAYS, strict=True))
    colors |= zip(networks, cycle(_COLORS), strict=False)
    for index, name in enumerate(names):
        if name not in by_model:
            continue
        linear = name in LINEAR
        sizes = sorted(by_model[name])
        errors = [mean_error(by_model[name][n]) for n in sizes]
        # Points of several models at the same size are moved apart.
        x = np.array(sizes) * 1.012 ** (index - len(names) / 2)
        axes.errorbar(
            x,
            [error.value for error in errors],
            np.nan_to_num([error.half for error in errors]),
            color=colors[name],
            marker="o" if linear else "s",
            linestyle="--" if linear else "-",
            markersize=4,
            linewidth=1.2,
            elinewidth=1,
            label=name,
        )
    axes.set_xticks(_sizes(by_model), map(format_integer, _sizes(by_model)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter("{:,g}".format))
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in _TICKS if low <= tick <= high])
    axes.set_xlabel("training texts")
    axes.grid(alpha=0.3)
