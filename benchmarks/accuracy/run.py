"""Training and test of the cells of the error table, one process and JSON per cell.

    python -m benchmarks.accuracy.run --data imdb --models bow ngrams
    python -m benchmarks.accuracy.run --data imdb --models all --budget 60
    python -m benchmarks.accuracy.run --train A.csv --test B.csv --name mine
    python -m benchmarks.accuracy.run --train A.csv --held-out 1000 --name mine

A cell with a JSON file is not run again.
"""

import argparse
import ast
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from sktextconv.comparison._runner import Runner
from sktextconv.comparison._workers import LocalProcesses

from .._record import RESULTS, write_json
from .cell import Cell, as_train, expected_cost, run_cell
from .models import ROWS

__all__ = ["parse", "parse_setting", "run_cells"]


def run_cells(cells, results, *, redo=False, budget=None, n_jobs=1):
    """Run the cells without JSON, the cheapest first.

    Parameters
    ----------
    cells : list of Cell
    results : path
        Folder of the JSON files.
    redo : bool, default=False
        Whether to run cells with JSON again.
    budget : float or None, default=None
        Total seconds. A cell is skipped if its expected time, estimated from the
        seconds per cost of the others, exceeds the remaining time. A cell that runs at
        the end of the budget is stopped.
    n_jobs : int, default=1
        Cells to run at the same time.

    Returns
    -------
    failed, left : list of Cell
        Cells that failed, and cells that did not fit the budget.
    """
    for cell in () if redo else cells:
        _check_data(cell, results)
    runner = Runner(
        workers=LocalProcesses(
            n_threads=max((cell.threads for cell in cells), default=1),
            fresh=True,  # so that the peak memory of each cell can be measured
        ),
        n_jobs=n_jobs,
        deadline=math.inf if budget is None else time.monotonic() + budget,
        report=_log,
    )
    with runner, tempfile.TemporaryDirectory() as vectors:
        jobs = [
            _CellJob(cell, cell.path(results), Path(vectors), expected_cost(cell))
            for cell in cells
        ]
        _, missed = runner.run(jobs, redo=redo)
    failed = [each.job.cell for each in missed if each.failed]
    left = [each.job.cell for each in missed if not each.failed]
    if left:
        names = ", ".join(str(cell.path("").stem) for cell in left)
        _log(f"left for lack of time: {names}")
    return failed, left


class _CellJob(NamedTuple):
    """`Job` of a `Runner` that runs a cell."""

    cell: Cell
    path: Path
    vectors: Path
    cost: float

    def run(self):
        return run_cell(self.cell, self.vectors)

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, result):
        write_json(self.path, result)

    def seconds(self, result):
        return result["select_seconds"] + result["train_seconds"]

    def describe(self, result):
        return (
            f"{self.path.stem}: error {result['error']:.2f} %, "
            f"{result['train_cpu_seconds']:.0f} s of CPU to train"
        )


def _check_data(cell, results):
    """Exit if the JSON of the cell is of other data with the same name."""
    path = cell.path(results)
    if not path.exists():
        return
    before, now = json.loads(path.read_text())["cell"], cell.described()
    if (done := _describe_data(before)) != (new := _describe_data(now)):
        raise SystemExit(
            f"{path} is of {done}, not of {new}: give these data another --name, or "
            "run the cell again with --redo."
        )


def _describe_data(described):
    """Return the files of a described cell, as text."""
    train, test = described["train"], described["test"]
    names = ", ".join(train) if isinstance(train, list) else str(train)
    if described.get("held_out") is not None:  # records without the key have a file
        return f"{described['held_out']} held out of {names}"
    return names if test is None else f"{names} and {test}"


def _log(line):
    sys.stderr.write(line + "\n")


def _make_parser():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.run", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--data", help="docstrings, imdb, ag_news, …")
    add("--train", metavar="FILE", nargs="+", help="your own training CSV files")
    add("--test", metavar="FILE", help="and their test CSV")
    add(
        "--held-out",
        type=int,
        metavar="N",
        help="without --test: test on N of the training texts, a stratified sample "
        "that is the same for every model and seed, and train on the others",
    )
    add("--name", help="the name of your own data")
    add(
        "--header",
        action=argparse.BooleanOptionalAction,
        default="auto",
        help="whether the first line of your files has the names of the columns "
        "(default: it is inferred)",
    )
    add("--label-column", type=_literal, help="name, or position from 0")
    add("--text-columns", type=_literal, nargs="+", help="names or positions")
    models = [*ROWS, "all"]
    add("--models", nargs="+", default=["all"], choices=models, metavar="MODEL")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--sample", type=int, help="training texts, stratified")
    add("--test-sample", type=int, help="test texts, stratified")
    add(
        "--set",
        nargs="+",
        type=parse_setting,
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="parameters of the estimators that have them, such as max_epochs=3",
    )
    add("--threads", type=int, default=os.cpu_count())
    add("--jobs", type=int, default=1, help="cells to run at the same time")
    add(
        "--budget",
        type=float,
        metavar="MINUTES",
        help="run the cells that fit, the cheapest first, and name the others",
    )
    add("--results", type=Path, default=RESULTS)
    add("--redo", action="store_true", help="run done cells again")
    return parser


def parse(arguments=None):
    """Return the cells and the options of a command line."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if "all" in options.models:
        options.models = list(ROWS)
    own = [options.train, options.test, options.held_out, options.name].count(None)
    two = options.test is not None and options.held_out is not None
    if own != (4 if options.data else 1) or two:
        parser.error(
            "give either --data, or --train, --name and one of --test and --held-out"
        )
    name = options.data or options.name
    values = [name, *(str(value) for _, value in options.settings)]
    if any("/" in value or value.startswith(".") for value in values):
        parser.error(
            "names and values become parts of file names: they must not contain "
            "/ or start with a dot"
        )
    columns = {}
    if options.train:
        columns = {
            "header": options.header,
            "label_column": options.label_column,
            "text_columns": options.text_columns,
        }
    settings = {model: _known(model, options.settings) for model in options.models}
    for setting, _ in options.settings:
        if not any(setting in known for known in settings.values()):
            parser.error(f"none of {options.models} has a parameter {setting!r}")
    cells = [
        Cell(
            data=name,
            model=model,
            seed=seed,
            train=options.train and as_train(options.train),
            test=options.test,
            columns=columns,
            sample=options.sample,
            test_sample=options.test_sample,
            settings=settings[model],
            threads=options.threads,
            held_out=options.held_out,
        )
        for model in options.models
        for seed in options.seeds
    ]
    return cells, options


def _known(model, settings):
    """Return the settings that the estimator of a model has as parameters."""
    known = ROWS[model].make().get_params()
    return {name: value for name, value in settings if name in known}


def parse_setting(text):
    """Return name and value of "NAME=VALUE"; the value is a Python literal or a str."""
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, _literal(value)


def _literal(text):
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def main():
    cells, options = parse()
    budget = None if options.budget is None else 60 * options.budget
    failed, _ = run_cells(
        cells, options.results, redo=options.redo, budget=budget, n_jobs=options.jobs
    )
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
