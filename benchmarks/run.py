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
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
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
    sample : int or None
        Training texts, a stratified sample of all; None takes all.
    settings : tuple of (str, value)
        Parameters of the estimator other than its row's.
    threads : int
    """

    data: str
    model: str
    seed: int = 0
    train: str | None = None
    test: str | None = None
    sample: int | None = None
    settings: tuple = ()
    threads: int = 1

    def path(self, results):
        parts = [self.model, *(f"{name}={value}" for name, value in self.settings)]
        if self.sample is not None:
            parts.append(f"sample={self.sample}")
        return Path(results) / self.data / f"{'_'.join(parts)}_seed={self.seed}.json"


def load(cell):
    """Return the training and the test Bunch of a cell."""
    order = ROWS[cell.model].field_order
    if cell.train is not None:
        return [read_csv(path, field_order=order) for path in (cell.train, cell.test)]
    if cell.data == "docstrings":
        return [load_docstrings(subset=subset) for subset in ("train", "test")]
    return [
        fetch_text_dataset(cell.data, subset=subset, field_order=order)
        for subset in ("train", "test")
    ]


def run_cell(cell):
    """Select, train and measure one cell; return what its JSON holds."""
    torch.set_num_threads(cell.threads)
    train, test = load(cell)
    X, y, n_available = train.data, train.target, len(train.data)
    if cell.sample is not None:
        X, _, y, _ = train_test_split(
            X, y, train_size=cell.sample, stratify=y, random_state=_SPLIT_SEED
        )
    row = ROWS[cell.model]
    estimator = row.make()
    estimator.set_params(**dict(cell.settings))
    head, last = _split(estimator)
    known = last.get_params()
    if "random_state" in known:
        last.set_params(random_state=cell.seed)
    if "callbacks" in known:
        last.set_params(callbacks=[_Progress()])

    start = time.perf_counter()
    tried = _select(head, last, row.grid, X, y)
    select_seconds = time.perf_counter() - start
    if tried:
        last.set_params(**min(tried, key=lambda each: each["error"])["params"])

    start = time.perf_counter()
    estimator.fit(X, y)
    train_seconds = time.perf_counter() - start
    start = time.perf_counter()
    predicted = estimator.predict(test.data)
    predict_seconds = time.perf_counter() - start

    wrong = predicted != test.target
    history = getattr(last, "history_", None)
    n_epochs = len(history) if history else 1
    return {
        "cell": asdict(cell) | {"train": _name(cell.train), "test": _name(cell.test)},
        "row": row.name,
        "error": 100 * float(wrong.mean()),
        "wrong": base64.b64encode(np.packbits(wrong)).decode(),
        "confusion": confusion_matrix(test.target, predicted).tolist(),
        "n_train": len(X),
        "n_train_available": n_available,
        "n_test": len(test.data),
        "n_classes": len(train.target_names),
        "selection": tried,
        "select_seconds": select_seconds,
        "train_seconds": train_seconds,
        "predict_seconds": predict_seconds,
        "train_texts_per_second": len(X) * n_epochs / train_seconds,
        "predict_texts_per_second": len(test.data) / predict_seconds,
        "n_parameters": _count_parameters(last),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "history": history,
        "params": {
            name: value
            for name, value in last.get_params().items()
            if name != "callbacks"
        },
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": _versions(),
        "machine": _machine(cell.threads, getattr(last, "net_", None)),
    }


def run_cells(cells, results, *, redo=False):
    """Run the cells that have no JSON yet; return the number of those that failed."""
    todo = [cell for cell in cells if redo or not cell.path(results).exists()]
    _say(f"{len(cells)} cells, {len(cells) - len(todo)} of them done before")
    failed = 0
    for number, cell in enumerate(todo, 1):
        _say(f"[{number}/{len(todo)}] {cell.path('')}")
        # A fresh process, so that the peak of its memory is the cell's own.
        process = multiprocessing.get_context("spawn").Process(
            target=_run_and_write, args=(cell, str(results))
        )
        start = time.perf_counter()
        process.start()
        process.join()
        if process.exitcode:
            failed += 1
            _say(f"    failed, exit code {process.exitcode}; the others go on")
        else:
            done = json.loads(cell.path(results).read_text())
            seconds = time.perf_counter() - start
            _say(f"    error {done['error']:.2f} %, {seconds:.0f} s in all")
    return failed


def _run_and_write(cell, results):
    path = cell.path(results)
    result = run_cell(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(part, path)


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


def _commit():
    def git(*arguments):
        return subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", "../sktextconv", "../benchmarks/*.py")
    return git("rev-parse", "HEAD") + (" with changes" if changed else "")


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
        sys.stderr.write(f"\r\033[K    {line}"[:84])
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


def _setting(text):
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def parse(arguments=None):
    """Return the cells that the command line asks for, and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--data", help="docstrings, imdb, ag_news, …")
    parser.add_argument("--train", metavar="FILE", help="your own training CSV")
    parser.add_argument("--test", metavar="FILE", help="and its test CSV")
    parser.add_argument("--name", help="the name of your own data")
    parser.add_argument(
        "--models", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="MODEL"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--sample", type=int, help="training texts, stratified")
    parser.add_argument(
        "--set",
        nargs="+",
        type=_setting,
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="parameters of the estimator, such as max_epochs=3",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--redo", action="store_true", help="run done cells again")
    options = parser.parse_args(arguments)
    own = (options.train, options.test, options.name)
    if (options.data is None) == (own == (None, None, None)) or own.count(None) in (
        1,
        2,
    ):
        parser.error("give either --data, or --train, --test and --name")
    cells = [
        Cell(
            data=options.data or options.name,
            model=model,
            seed=seed,
            train=options.train,
            test=options.test,
            sample=options.sample,
            settings=tuple(sorted(options.settings)),
            threads=options.threads,
        )
        for model in options.models
        for seed in options.seeds
    ]
    return cells, options


def main():
    cells, options = parse()
    raise SystemExit(1 if run_cells(cells, options.results, redo=options.redo) else 0)


if __name__ == "__main__":
    main()
