"""Run the cells of the table, each in a process of its own, and keep one JSON of each.

    python -m benchmarks.run --data imdb --models bow ngrams
    python -m benchmarks.run --train A.csv.xz --test B.csv.xz --name mine --seeds 0 1 2

A cell whose JSON is there is not run again.
"""

import argparse
import ast
import base64
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import ParameterGrid, train_test_split
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback

import sktextconv
from sktextconv import fetch_text_dataset, load_docstrings, read_csv

from .models import ROWS

__all__ = ["Cell", "run_cell", "run_cells"]

RESULTS = Path(__file__).parent / "results"

# The same for every model and seed of a data set: selection and samples.
_SPLIT_SEED = 0
_VALIDATION_FRACTION = 0.1


@dataclass(frozen=True)
class Cell:
    """One model on one data set with one seed.

    Attributes
    ----------
    data : str
        Name of the data set, which also names the folder of its results.
    model : str
        A key of `ROWS`.
    seed : int
    train, test : str or None
        CSV files; None takes the data set that `data` names.
    columns : mapping
        Arguments of `read_csv` that say where labels and texts are.
    sample : int or None
        Training texts, a stratified sample of all; None takes all.
    settings : mapping
        Parameters of the estimator other than its row's.
    threads : int
    """

    data: str
    model: str
    seed: int = 0
    train: str | None = None
    test: str | None = None
    columns: Mapping = field(default_factory=dict)
    sample: int | None = None
    settings: Mapping = field(default_factory=dict)
    threads: int = 1

    def path(self, results):
        parts = [self.model]
        parts += [f"{name}={value}" for name, value in sorted(self.settings.items())]
        if self.sample is not None:
            parts.append(f"sample={self.sample}")
        return Path(results) / self.data / f"{'_'.join(parts)}_seed={self.seed}.json"

    def described(self):
        """The cell as its JSON tells it: files by name, no path of the machine."""
        names = {"train": _name(self.train), "test": _name(self.test)}
        return asdict(self) | names


def load(cell):
    """Return the training and the test Bunch of a cell."""
    order = ROWS[cell.model].field_order
    if cell.train is not None:
        return [
            read_csv(path, field_order=order, **cell.columns)
            for path in (cell.train, cell.test)
        ]
    if cell.data == "docstrings":
        return [load_docstrings(subset=subset) for subset in ("train", "test")]
    return [
        fetch_text_dataset(cell.data, subset=subset, field_order=order)
        for subset in ("train", "test")
    ]


def run_cell(cell):
    """Select, train and measure one cell; return what its JSON holds."""
    commit = _commit()
    torch.set_num_threads(cell.threads)
    train, test = load(cell)
    X, y, y_test = train.data, _labels(train), _labels(test)
    if cell.sample is not None:
        X, _, y, _ = train_test_split(
            X, y, train_size=cell.sample, stratify=y, random_state=_SPLIT_SEED
        )
    row = ROWS[cell.model]
    estimator = row.make().set_params(**cell.settings)
    head, last = _split(estimator)
    known = last.get_params()
    if "random_state" in known:
        last.set_params(random_state=cell.seed)
    if "callbacks" in known:
        last.set_params(callbacks=[_Progress()])
    given = {name.rpartition("__")[2] for name in cell.settings}
    grid = {name: values for name, values in row.grid.items() if name not in given}

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        tried = _select(head, last, grid, X, y)
        select_seconds = time.perf_counter() - start
        if tried:
            last.set_params(**min(tried, key=lambda each: each["error"])["params"])
        start = time.perf_counter()
        estimator.fit(X, y)
        train_seconds = time.perf_counter() - start
        start = time.perf_counter()
        predicted = estimator.predict(test.data)
        predict_seconds = time.perf_counter() - start
    warned = sorted({str(each.message) for each in caught})
    if any("interrupted" in message for message in warned):
        raise KeyboardInterrupt  # half a training is no cell

    wrong = predicted != y_test
    history = getattr(last, "history_", None)
    n_seen = sum(epoch["n_texts"] for epoch in history) if history else len(X)
    return {
        "cell": cell.described(),
        "row": row.name,
        "error": 100 * float(wrong.mean()),
        "wrong": base64.b64encode(np.packbits(wrong)).decode(),
        "confusion": confusion_matrix(
            y_test, predicted, labels=np.union1d(y, y_test)
        ).tolist(),
        "n_train": len(X),
        "n_train_available": len(train.data),
        "n_seen": n_seen,
        "n_test": len(test.data),
        "n_classes": len(np.unique(y)),
        "selection": tried,
        "select_seconds": select_seconds,
        "train_seconds": train_seconds,
        "predict_seconds": predict_seconds,
        "train_texts_per_second": n_seen / train_seconds,
        "predict_texts_per_second": len(test.data) / predict_seconds,
        "n_parameters": _count_parameters(last),
        "peak_mib": _peak_mib(),
        "history": history,
        "params": {
            name: value
            for name, value in last.get_params().items()
            if name != "callbacks"
        },
        "warnings": warned,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "versions": _versions(),
        "machine": _machine(cell.threads, getattr(last, "net_", None)),
    }


def run_cells(cells, results, *, redo=False):
    """Run the cells that have no JSON yet; return the number of those that failed."""
    todo = [cell for cell in cells if redo or not _is_done(cell, results)]
    _say(f"{len(cells)} cells, {len(cells) - len(todo)} of them done before")
    failed = 0
    for number, cell in enumerate(todo, 1):
        _say(f"[{number}/{len(todo)}] {cell.path('')}")
        # A fresh process, so that the peak of its memory is the cell's own.
        arguments = ["--cell", json.dumps(asdict(cell)), "--results", str(results)]
        start = time.perf_counter()
        process = subprocess.run([sys.executable, "-m", "benchmarks.run", *arguments])
        if process.returncode:
            failed += 1
            _say(f"    failed, exit code {process.returncode}; the others go on")
        else:
            done = json.loads(cell.path(results).read_text())
            seconds = time.perf_counter() - start
            _say(f"    error {done['error']:.2f} %, {seconds:.0f} s in all")
    return failed


def _is_done(cell, results):
    path = cell.path(results)
    if not path.exists():
        return False
    before, now = json.loads(path.read_text())["cell"], cell.described()
    for key in ("train", "test"):
        if before[key] != now[key]:
            raise SystemExit(
                f"{path} is of {before[key]}, not of {now[key]}: give these data "
                "another --name, or --redo the cell."
            )
    return True


def _run_and_write(cell, results):
    path = cell.path(results)
    result = run_cell(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(part, path)


def _labels(bunch):
    """The labels as their file has them, so that a file without a class agrees."""
    if bunch.target.dtype.kind != "i":
        return bunch.target
    return np.array(bunch.target_names)[bunch.target]


def _split(estimator):
    """Return the transformers before the last step, or None, and the last step."""
    if isinstance(estimator, Pipeline):
        return estimator[:-1], estimator[-1]
    return None, estimator


def _select(head, last, grid, X, y):
    """Measure the grid on a validation split of the training data."""
    if not grid:
        return []
    X, X_valid, y, y_valid = train_test_split(
        X, y, test_size=_VALIDATION_FRACTION, stratify=y, random_state=_SPLIT_SEED
    )
    if head is not None:  # once for the whole grid
        head = clone(head)
        X, X_valid = head.fit_transform(X), head.transform(X_valid)
    tried = []
    for params in ParameterGrid(dict(grid)):
        fitted = clone(last).set_params(**params).fit(X, y)
        error = 100 * float(np.mean(fitted.predict(X_valid) != y_valid))
        tried.append({"params": params, "error": error})
        _progress(f"selecting: {params} → {error:.2f} %")
    return tried


def _count_parameters(last):
    if hasattr(last, "net_"):
        return sum(p.numel() for p in last.net_.module_.parameters())
    return last.coef_.size + last.intercept_.size


def _name(path):
    return None if path is None else Path(path).name


def _peak_mib():
    status = Path("/proc/self/status")
    if status.exists():  # there, a new process does not inherit its parent's peak
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _commit():
    """The commit of the code that runs, or None outside a repository."""
    here = Path(__file__).parent

    def git(*arguments):
        command = ["git", *arguments]
        return subprocess.check_output(command, cwd=here, text=True).strip()

    try:
        changed = git("status", "--porcelain", "--", "../sktextconv", "*.py")
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _versions():
    packages = ("numpy", "scipy", "scikit-learn", "torch", "skorch")
    found = {package: importlib.metadata.version(package) for package in packages}
    return {
        "python": platform.python_version(),
        "sktextconv": sktextconv.__version__,
        **found,
    }


def _machine(threads, net):
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [
            line.partition(":")[2].strip() for line in lines if "model name" in line
        ]
        cpu = names[0] if names else cpu
    on_gpu = net is not None and torch.device(net.device).type == "cuda"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        ),
        "gpu": torch.cuda.get_device_name() if on_gpu else None,
    }


def _say(line):
    sys.stderr.write(line + "\n")


def _progress(line):
    """One line that is written over on a terminal, a plain line elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + f"    {line}"[:79])
    else:
        sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()


class _Progress(Callback):
    """Say how far training is: each epoch, and on a terminal each few seconds."""

    def on_train_begin(self, net, **kwargs):
        self.start = self.last = time.monotonic()
        self.n_batches = 0

    def on_batch_end(self, net, training, **kwargs):
        self.n_batches += training
        now = time.monotonic()
        if sys.stderr.isatty() and now - self.last > 1:
            self.last = now
            epoch, seconds = len(net.history), now - self.start
            _progress(
                f"epoch {epoch}/{net.max_epochs}, {self.n_batches} minibatches, "
                f"{seconds:.0f} s"
            )

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        _progress(
            f"epoch {row['epoch']}/{net.max_epochs}: training loss "
            f"{row['train_loss']:.4f}, {time.monotonic() - self.start:.0f} s"
        )

    def on_train_end(self, net, **kwargs):
        if sys.stderr.isatty():
            sys.stderr.write("\n")


def parse(arguments=None):
    """Return the cells that the command line asks for, and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("--data", help="docstrings, imdb, ag_news, …")
    add("--train", metavar="FILE", help="your own training CSV")
    add("--test", metavar="FILE", help="and its test CSV")
    add("--name", help="the name of your own data")
    add("--header", action="store_true", help="your files name their columns")
    add("--label-column", type=_literal, default=0, help="its name, or position from 0")
    add("--text-columns", type=_literal, nargs="+", help="as many as there are fields")
    add("--models", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="MODEL")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--sample", type=int, help="training texts, stratified")
    add(
        "--set",
        nargs="+",
        type=_setting,
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="parameters of the estimators that have them, such as max_epochs=3",
    )
    add("--threads", type=int, default=os.cpu_count())
    add("--results", type=Path, default=RESULTS)
    add("--redo", action="store_true", help="run done cells again")
    add("--cell", type=json.loads, help=argparse.SUPPRESS)  # one cell, in this process
    options = parser.parse_args(arguments)
    if options.cell:
        return [Cell(**options.cell)], options
    own = [options.train, options.test, options.name].count(None)
    if own != (3 if options.data else 0):
        parser.error("give either --data, or --train, --test and --name")
    name = options.data or options.name
    values = [name, *(str(value) for _, value in options.settings)]
    if any("/" in value or value.startswith(".") for value in values):
        parser.error("a name or value that becomes part of a file's name holds no /")
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
            train=options.train,
            test=options.test,
            columns=columns,
            sample=options.sample,
            settings=settings[model],
            threads=options.threads,
        )
        for model in options.models
        for seed in options.seeds
    ]
    return cells, options


def _known(model, settings):
    known = ROWS[model].make().get_params()
    return {name: value for name, value in settings if name in known}


def _setting(text):
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
    if options.cell:
        _run_and_write(*cells, options.results)
    elif run_cells(cells, options.results, redo=options.redo):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
