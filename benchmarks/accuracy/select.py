"""Comparison of settings of a model on held-out training texts, without the test set.

    python -m benchmarks.accuracy.select --data imdb --model kim-rand --sample 6000 \\
        --common max_epochs=3 --try learning_rate=0.001 --try learning_rate=0.003

Each run, one setting with one seed, is added to the JSON of its model and data set.
Runs in the file are not repeated.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from .._record import describe_run, progress, timed, write_json
from .._render import WALL_MARK, as_list_table
from .cell import Cell, as_train, load
from .models import ROWS
from .run import parse_setting

__all__ = ["FOLDER", "compare", "render", "render_precisions", "render_seeds"]

FOLDER = Path(__file__).parents[1] / "selection"
_SPLIT_SEED = 0
_DISTINCT = ("alphabet", "precision")  # settings that the table of seeds names


def compare(
    model,
    data,
    *,
    settings,
    seeds,
    n_train,
    n_valid,
    threads,
    train=None,
    held_out=None,
    folder=FOLDER,
):
    """Train with each setting and seed; save the errors on held-out training texts.

    Parameters
    ----------
    model : str
        A key of `ROWS`.
    data : str
    settings : list of dict
        Parameters of the estimator.
    seeds : list of int
    n_train, n_valid : int
        Texts to train on and to measure on, both drawn from the training texts,
        stratified by class, the same for every setting and seed.
    threads : int
    train : str, tuple of str, or None, default=None
        CSV files of the training texts; None takes the data set that `data` names.
    held_out : int or None, default=None
        Number of texts of these files that the error table tests on, which are left
        out.
    folder : path

    Returns
    -------
    runs : list of dict
        All runs in the file.
    """
    path = Path(folder) / f"{model}_{data}.json"
    runs = json.loads(path.read_text()) if path.exists() else []
    # No test file is needed, so that the first training file is passed as both.
    test = train[0] if isinstance(train, tuple) else train
    cell = Cell(data=data, model=model, train=train, test=test, held_out=held_out)
    bunch, _ = load(cell)
    X, X_valid, y, y_valid = train_test_split(
        bunch.data,
        bunch.target,
        train_size=n_train,
        test_size=n_valid,
        stratify=bunch.target,
        random_state=_SPLIT_SEED,
    )
    torch.set_num_threads(threads)
    for seed in seeds:
        for setting in settings:
            run = {
                "model": model,
                "data": data,
                "settings": setting,
                "seed": seed,
                "n_train": n_train,
                "n_valid": n_valid,
                "n_classes": len(bunch.target_names),
            }
            if held_out is not None:
                run["held_out"] = held_out
            if any(_is_same(run, done) for done in runs):
                continue
            estimator = ROWS[model].make().set_params(random_state=seed, **setting)
            with timed() as seconds:
                estimator.fit(X, y)
            error = 100 * float(np.mean(estimator.predict(X_valid) != y_valid))
            progress(f"{setting}, seed {seed}: {error:.2f} %, {seconds.cpu:.0f} s")
            runs.append(
                run
                | {"error": error, "seconds": seconds.wall, "cpu_seconds": seconds.cpu}
                | {"losses": [epoch["train_loss"] for epoch in estimator.history_]}
                | describe_run(threads, estimator)
            )
            write_json(path, runs)
    return runs


def _is_same(run, done):
    return run.items() <= done.items() and ("held_out" in run) == ("held_out" in done)


def render(folder=FOLDER):
    """Return all runs as a reST table with a row per setting; "" without runs."""
    settings = _by_setting(folder)
    if not settings:
        return ""
    columns = ("Data", "Texts", "Model", "Settings", "Errors on held-out texts, %")
    rows = [(*columns, "Mean", "CPU seconds", "At chance")]
    for (data, n_train, name, shown), runs in sorted(settings.items()):
        errors = [run["error"] for run in runs]
        rows.append(
            (
                data,
                f"{n_train:,}",
                name,
                shown,
                ", ".join(f"{error:.1f}" for error in errors),
                f"{np.mean(errors):.1f}",
                _show_seconds(runs),
                f"{sum(map(_is_at_chance, runs))} of {len(runs)}",
            )
        )
    table = as_list_table(rows)
    if WALL_MARK in table:
        table += f"\n{WALL_MARK} Wall time; earlier records have no CPU time.\n"
    return table


def _show_seconds(runs):
    """Return the median CPU seconds; wall seconds of earlier records have a mark."""
    by_cpu = [run["cpu_seconds"] for run in runs if "cpu_seconds" in run]
    if by_cpu:
        return f"{np.median(by_cpu):.0f}"
    return f"{np.median([run['seconds'] for run in runs]):.0f}{WALL_MARK}"


def render_seeds(folder=FOLDER):
    """Return settings with five seeds or more as a reST table.

    There is a row for each model and a column for each data set.
    """
    cells = defaultdict(lambda: defaultdict(list))
    for (data, n_train, name, _), runs in sorted(_by_setting(folder).items()):
        if len(runs) >= 5:
            errors = sorted(run["error"] for run in runs)
            n_at_chance = sum(map(_is_at_chance, runs))
            settings = runs[0]["settings"]
            named = [f", {settings[key]}" for key in _DISTINCT if key in settings]
            cells[name][data].append(
                f"{errors[0]:.1f}–{errors[-1]:.1f} ({n_train:,} texts, "
                f"{settings['max_epochs']} passes{''.join(named)}"
                f"{f', {n_at_chance} at chance' if n_at_chance else ''})"
            )
    if not cells:
        return ""
    columns = sorted({data for row in cells.values() for data in row})
    rows = [("Model", *columns)]
    rows += [
        (name, *("; ".join(row.get(data, ())) for data in columns))
        for name, row in sorted(cells.items())
    ]
    return as_list_table(rows)


def render_precisions(folder=FOLDER):
    """Return a reST table of runs in float32 and, with equal settings, in bfloat16.

    Errors and final training losses are means over the seeds of both precisions. The
    difference is that of the errors, with its standard error.
    """
    runs_of = defaultdict(lambda: defaultdict(dict))
    for (data, n_train, name, _), runs in _by_setting(folder).items():
        for run in runs:
            settings = dict(run["settings"])
            precision = settings.pop("precision", "float32")
            other_settings = sorted(settings.items()), run["n_valid"]
            key = (
                data,
                n_train,
                name,
                repr(other_settings),
                settings.get("max_epochs", ""),
            )
            runs_of[key][precision][run["seed"]] = run["error"], run["losses"][-1]
    columns = ("Data", "Texts", "Passes", "Model", "Seeds")
    pairs = ("Errors, %", "Difference", "Last losses")
    rows = [(*columns, *pairs)]
    for (data, n_train, name, _, passes), found in sorted(runs_of.items()):
        seeds = sorted(found["float32"].keys() & found["bfloat16"].keys())
        if len(seeds) < 2:
            continue
        # The axes are precision, seed, and error or loss.
        both = np.array(
            [
                [found[precision][seed] for seed in seeds]
                for precision in ("float32", "bfloat16")
            ]
        )
        (errors, losses), by_seed = both.mean(1).T, both[1, :, 0] - both[0, :, 0]
        standard_error = by_seed.std(ddof=1) / np.sqrt(len(seeds))
        rows.append(
            (
                data,
                f"{n_train:,}",
                str(passes),
                name,
                str(len(seeds)),
                "{:.1f}, {:.1f}".format(*errors),
                f"{by_seed.mean():+.1f} ± {standard_error:.1f}",
                "{:.3f}, {:.3f}".format(*losses),
            )
        )
    return as_list_table(rows) if len(rows) > 1 else ""


def _by_setting(folder):
    settings = defaultdict(list)
    for path in sorted(Path(folder).glob("*_*.json")):
        for run in json.loads(path.read_text()):
            shown = ", ".join(
                f"{key}={value}" for key, value in run["settings"].items()
            )
            key = (run["data"], run["n_train"], ROWS[run["model"]].name, shown)
            settings[key].append(run)
    return settings


def _is_at_chance(run):
    return run["losses"][-1] > np.log(run["n_classes"]) - 0.02


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.select",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--data", required=True)
    add("--train", metavar="FILE", nargs="+", help="its CSV files, without a loader")
    add("--held-out", type=int, metavar="N", help="test texts among these, left out")
    add("--model", required=True, choices=list(ROWS), metavar="MODEL")
    add("--sample", type=int, required=True, help="texts to train on")
    add("--valid", type=int, default=2_000, help="texts to measure on")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--threads", type=int, default=1)
    for name in ("--common", "--try"):
        add(
            name,
            nargs="*",
            type=parse_setting,
            default=None if name == "--try" else [],
            action="append" if name == "--try" else "store",
            metavar="NAME=VALUE",
            help="parameters of every run" if name == "--common" else "of one setting",
        )
    options = parser.parse_args()
    tried = vars(options)["try"] or [[]]
    compare(
        options.model,
        options.data,
        settings=[dict(options.common) | dict(each) for each in tried],
        seeds=options.seeds,
        n_train=options.sample,
        n_valid=options.valid,
        threads=options.threads,
        train=options.train and as_train(options.train),
        held_out=options.held_out,
    )


if __name__ == "__main__":
    main()
