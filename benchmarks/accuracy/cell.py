"""Cell of the error table: one model, trained and tested on one data set."""

import base64
import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch
from skorch.callbacks import Callback

from sktextconv import fetch_text_dataset, load_docstrings
from sktextconv.comparison._selection import (
    count_trainings,
    is_network,
    select_parameters,
)
from sktextconv.datasets._columns import Columns
from sktextconv.datasets._csv import read_labeled
from sktextconv.utils._fit import fit_model, last_step, set_seeds

from .._record import (
    describe_run,
    find_commit,
    gpu_peak_mib,
    peak_mib,
    progress,
    timed,
)
from .models import ROWS
from .vectors import share_vectors

__all__ = ["Cell", "as_train", "expected_cost", "hold_out", "load", "run_cell"]

# Samples and validation splits are the same for every model and seed of a data set.
_SPLIT_SEED = 0


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
    train : str, tuple of str, or None
        CSV files; None takes the data set that `data` names.
    test : str or None
        CSV file.
    columns : mapping
        Arguments of `read_csv`: header and the columns of labels and texts.
    sample : int or None
        Number of training texts in a stratified sample; None takes all texts.
    settings : mapping
        Parameters of the estimator that differ from those of its row.
    threads : int
    held_out : int or None
        Number of test texts, if there is no file of these: a stratified sample of the
        distinct texts in `train`, the same for every model and seed.
    test_sample : int or None
        Number of test texts in a stratified sample; None takes all.
    """

    data: str
    model: str
    seed: int = 0
    train: str | tuple[str, ...] | None = None
    test: str | None = None
    columns: Mapping = field(default_factory=dict)
    sample: int | None = None
    settings: Mapping = field(default_factory=dict)
    threads: int = 1
    held_out: int | None = None
    test_sample: int | None = None

    def path(self, results):
        parts = [self.model]
        parts += [f"{name}={value}" for name, value in sorted(self.settings.items())]
        if self.sample is not None:
            parts.append(f"sample={self.sample}")
        if self.test_sample is not None:
            parts.append(f"test={self.test_sample}")
        return Path(results) / self.data / f"{'_'.join(parts)}_seed={self.seed}.json"

    def described(self):
        """Return the cell for its JSON: names of files, without their folders."""
        names = {"train": _name(self.train), "test": _name(self.test)}
        return asdict(self) | names | {"split_seed": _SPLIT_SEED}


def as_train(paths):
    """Return the attribute `train` of a cell of these files."""
    return paths[0] if len(paths) == 1 else tuple(paths)


def load(cell):
    """Return the training and the test Bunch of a cell."""
    order = ROWS[cell.model].field_order
    if cell.train is not None:
        train = _read_files(cell.train, cell.columns, order)
        if cell.held_out is not None:
            return hold_out(train, cell.held_out)
        return [train, _read(cell.test, cell.columns, order, train)]
    if cell.data == "docstrings":
        return [load_docstrings(subset=subset) for subset in ("train", "test")]
    return [
        fetch_text_dataset(cell.data, subset=subset, field_order=order)
        for subset in ("train", "test")
    ]


def _read_files(paths, columns, field_order):
    """Return the Bunch of one file or of several with the same columns."""
    if isinstance(paths, str | os.PathLike):
        return _read(paths, columns, field_order)
    first = _read(paths[0], columns, field_order)
    others = [_read(path, columns, field_order, first) for path in paths[1:]]
    labels = np.concatenate([_labels(bunch) for bunch in (first, *others)])
    names, target = np.unique(labels, return_inverse=True)
    return Bunch(
        data=[text for bunch in (first, *others) for text in bunch.data],
        target=target,
        target_names=names.tolist(),
        columns=first.columns,
    )


def hold_out(bunch, n_test):
    """Return the training and the test Bunch of a bunch.

    Texts of the same words are one text, so that the order in which fields are joined
    does not change the split.
    """
    first = {}
    for index, text in enumerate(bunch.data):
        first.setdefault(" ".join(sorted(text.split())), index)
    distinct = np.array([*first.values()])
    del first  # its memory counts in the peak of the cell
    parts = train_test_split(
        distinct,
        test_size=n_test,
        stratify=bunch.target[distinct],
        random_state=_SPLIT_SEED,
    )
    return [
        Bunch(
            data=[bunch.data[index] for index in part],
            target=bunch.target[part],
            target_names=bunch.target_names,
            columns=bunch.columns,
        )
        for part in parts
    ]


def _read(path, columns, field_order, train=None):
    """Return the Bunch of a file of the user.

    Columns that are not given are those of the training file, if there is one.
    """
    labels = () if train is None else map(str, _labels(train))
    options = {"header": "auto", "label_column": None, "text_columns": None, **columns}
    read = read_labeled(
        path,
        list,
        class_names=None,
        field_order=field_order,
        line_breaks=True,
        strip=True,
        trained=None if train is None else Columns(**train.columns),
        known_labels={*labels},
        **options,
    )
    return Bunch(**read)


def expected_cost(cell):
    """Return the cost of selection and training, in the unit of the cost of a row."""
    return ROWS[cell.model].cost * (1 + count_trainings(*_make_estimator(cell)))


def run_cell(cell, vectors=None):
    """Select, train and measure one cell; return the content of its JSON.

    Parameters
    ----------
    cell : Cell
    vectors : path or None, default=None
        Folder in which cells share the vectors that word2vec trains. The time of their
        training counts in each cell.
    """
    commit = find_commit()
    torch.set_num_threads(cell.threads)
    train, test = load(cell)
    X, y = _draw_sample(train, cell.sample)
    X_test, y_test = _draw_sample(test, cell.test_sample)
    row = ROWS[cell.model]
    estimator, grid = _make_estimator(cell)
    last = last_step(estimator)
    shared = vectors and share_vectors(last, X, vectors)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with timed() as select_seconds:
            tried = select_parameters(estimator, grid, X, y, seed=_SPLIT_SEED)
        with timed() as train_seconds:
            fit_model(estimator, X, y)
        with timed() as predict_seconds:
            predicted = estimator.predict(X_test)
    if shared:
        train_seconds.wall += shared.wall
        train_seconds.cpu += shared.cpu
        last.set_params(vectors="word2vec")

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
        "n_test": len(X_test),
        "n_test_available": len(test.data),
        "n_classes": len(np.unique(y)),
        "selection": tried,
        "select_seconds": select_seconds.wall,
        "select_cpu_seconds": select_seconds.cpu,
        "train_seconds": train_seconds.wall,
        "train_cpu_seconds": train_seconds.cpu,
        "predict_seconds": predict_seconds.wall,
        "predict_cpu_seconds": predict_seconds.cpu,
        "train_texts_per_second": n_seen / train_seconds.wall,
        "predict_texts_per_second": len(X_test) / predict_seconds.wall,
        "n_parameters": _count_parameters(last),
        "peak_mib": peak_mib(),
        "gpu_peak_mib": gpu_peak_mib(last),
        "history": history,
        "params": _plain(last.get_params()),
        "warnings": sorted({str(each.message) for each in caught}),
        **describe_run(cell.threads, last, commit=commit),
    }


def _draw_sample(bunch, size):
    """Return the texts and labels of a stratified sample; of all texts if None."""
    X, y = bunch.data, _labels(bunch)
    if size is None:
        return X, y
    X, _, y, _ = train_test_split(
        X, y, train_size=size, stratify=y, random_state=_SPLIT_SEED
    )
    return X, y


def _labels(bunch):
    """Return labels as in the file, so that files with different classes agree."""
    if bunch.target.dtype.kind != "i":
        return bunch.target
    return np.array(bunch.target_names)[bunch.target]


def _plain(params):
    """Return JSON-serializable parameters; other objects become their repr."""
    params = {name: value for name, value in params.items() if name != "callbacks"}
    return json.loads(json.dumps(params, default=repr))


def _make_estimator(cell):
    """Return the estimator of a cell and the grid of parameters to select."""
    row = ROWS[cell.model]
    estimator = row.make().set_params(**cell.settings)
    set_seeds(estimator, cell.seed, replace=True)
    last = last_step(estimator)
    known = last.get_params()
    if "callbacks" in known:
        last.set_params(callbacks=[_Progress()])
    if is_network(last):  # trained once, for as long as their papers say
        return estimator, {}
    given = {name.rpartition("__")[2] for name in cell.settings}
    grid = {name: values for name, values in row.grid.items() if name not in given}
    return estimator, grid


def _count_parameters(estimator):
    last = last_step(estimator)
    if hasattr(last, "net_"):
        return sum(p.numel() for p in last.net_.module_.parameters())
    if hasattr(last, "n_parameters_"):
        return last.n_parameters_
    if hasattr(last, "estimators_"):
        return sum(map(_count_parameters, last.estimators_))
    return last.coef_.size + last.intercept_.size


def _name(path):
    if isinstance(path, tuple):
        return [Path(each).name for each in path]
    return None if path is None else Path(path).name


class _Progress(Callback):
    """Progress line per epoch, and on a terminal every second."""

    def on_train_begin(self, net, **kwargs):
        self.start = self.last = time.monotonic()
        self.n_batches = 0

    def on_batch_end(self, net, training, **kwargs):
        self.n_batches += training
        now = time.monotonic()
        if sys.stderr.isatty() and now - self.last > 1:
            self.last = now
            epoch, seconds = len(net.history), now - self.start
            progress(
                f"epoch {epoch}/{net.max_epochs}, {self.n_batches} minibatches, "
                f"{seconds:.0f} s"
            )

    def on_epoch_end(self, net, **kwargs):
        row = net.history[-1]
        progress(
            f"epoch {row['epoch']}/{net.max_epochs}: training loss "
            f"{row['train_loss']:.4f}, {time.monotonic() - self.start:.0f} s"
        )

    def on_train_end(self, net, **kwargs):
        if sys.stderr.isatty():
            sys.stderr.write("\n")
