"""Cell of a comparison: one model, trained and tested on one division of the texts."""

import contextlib
import json
import re
import statistics
import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import joblib
import numpy as np
from joblib.externals.loky.backend.reduction import dumps
from sklearn.pipeline import Pipeline

from .. import persistence
from ..online import OnlineNGramClassifier
from ..utils._files import atomic_write
from ..utils._fit import NO_CHECKPOINT, fit_model, last_step, set_seeds
from ..utils._timing import timed
from ._noise import add_typos
from ._rows import Row
from ._selection import is_network, select_parameters, take

__all__ = [
    "Cell",
    "CellJob",
    "Task",
    "fit_task",
    "read_cell",
    "run_task",
    "write_cell",
]

_N_SINGLE = 20  # texts whose latency is measured one by one
_MAX_NAME = 80  # characters of a model in the name of a file
# Errors of a damaged file, or of one that is no cell.
_DAMAGE = (
    BadZipFile,
    EOFError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True)
class Task:
    """Cell to run.

    Attributes
    ----------
    model : str
        Name of the row.
    row : Row
    split : int
        Number of the division, from 0.
    train, test : ndarray of int
        Rows of the texts to train on and to test on.
    fraction : float
        Fraction of the training texts of the division that `train` has.
    seed : int
    select : bool
        Whether parameters are selected inside the training texts.
    noise : tuple of float
        Rates of typing errors to test with.
    """

    model: str
    row: Row
    split: int
    train: np.ndarray
    test: np.ndarray
    fraction: float = 1.0
    seed: int = 0
    select: bool = True
    noise: tuple[float, ...] = ()

    def key(self, data):
        """Return the name of the file of the cell; `data` is the hash of the data."""
        estimator = self.row.make()
        settings = (
            f"{type(estimator).__module__}.{type(estimator).__qualname__}",
            estimator.get_params(),
            self.row.grid,
            self.noise,
        )
        parts = (data, self.train, self.test, self.seed, self.select, settings)
        name = re.sub(r"[^A-Za-z0-9_-]", "_", self.model[:_MAX_NAME])
        return f"{name}-{joblib.hash(parts)[:16]}"


@dataclass
class Cell:
    """Result of a task.

    Attributes
    ----------
    model : str
    split : int
    fraction : float
    test : ndarray of int of shape (n_test,)
        Rows of the test texts.
    predicted : ndarray of int of shape (n_test,)
        Predicted class of each, as a row of `classes`.
    probabilities : ndarray of float32 of shape (n_test, n_classes) or None
        None if the model has none.
    noisy : dict of float to ndarray of int of shape (n_test,)
        Predicted classes at each rate of typing errors.
    record : dict
        JSON-serializable: "error" in %, "n_train", "train_seconds", "seconds" with
        selection, "train_cpu_seconds",
        "select_cpu_seconds", "texts_per_cpu_second", "milliseconds_per_text" (CPU time
        of a single text), "bytes" on disk, "selection", "params" that were selected,
        and "warnings".
    """

    model: str
    split: int
    fraction: float
    test: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None
    noisy: dict[float, np.ndarray] = field(default_factory=dict)
    record: dict = field(default_factory=dict)


class CellJob(NamedTuple):
    """`Job` of a `Runner` that runs a task on the data that ``load()`` returns."""

    task: Task
    load: Callable[[], dict]
    path: Path
    cost: float

    def run(self):
        return run_task(self.task, self.load)

    def read(self):
        try:
            cell = read_cell(self.path)
        except _DAMAGE:
            return None
        task = self.task
        if not np.array_equal(cell.test, task.test):
            return None
        # Equal tasks share a file, whatever their names are.
        return replace(cell, model=task.model, split=task.split, fraction=task.fraction)

    def write(self, cell):
        write_cell(cell, self.path)

    def seconds(self, cell):
        return cell.record["seconds"]

    def describe(self, cell):
        of = "" if cell.fraction == 1 else f" on {cell.record['n_train']:,} texts"
        return (
            f"{cell.model}{of}: error {cell.record['error']:.2f} %, "
            f"{cell.record['train_cpu_seconds']:.1f} s of CPU"
        )


def run_task(task, load):
    """Run a task on the data that ``load()`` returns; return the `Cell`.

    Selection sees the training texts of the division only.
    """
    data = load()
    X, X_test = take(data["texts"], task.train), take(data["texts"], task.test)
    estimator, record = _fit(
        task, X, data["y"][task.train], _groups_of(data, task.train)
    )
    n_classes = len(data["classes"])
    predicted, probabilities, predicting = _predict(estimator, X_test, n_classes)
    noisy = {}
    for rate in task.noise:
        mistyped = add_typos(X_test, rate, seed=task.seed)
        noisy[rate] = _predict(estimator, mistyped, n_classes)[0]
    record |= {
        "error": 100 * float(np.mean(predicted != data["y"][task.test])),
        "texts_per_cpu_second": len(X_test) / max(predicting.cpu, 1e-9),
        "milliseconds_per_text": _measure_latency(estimator, X_test),
        "bytes": _count_bytes(estimator),
    }
    return Cell(
        task.model,
        task.split,
        task.fraction,
        task.test,
        predicted,
        probabilities,
        noisy,
        record,
    )


def fit_task(task, load):
    """Return the estimator of a task, fitted; nothing is predicted."""
    data = load()
    X = take(data["texts"], task.train)
    groups = _groups_of(data, task.train)
    return _fit(task, X, data["labels"][task.train], groups)[0]


def _groups_of(data, rows):
    return None if data["groups"] is None else data["groups"][rows]


def _fit(task, X, y, groups):
    """Return the fitted estimator and the record of selection and training."""
    estimator = task.row.make()
    set_seeds(estimator, task.seed)
    last = last_step(estimator)
    if is_network(last):
        last.set_params(**NO_CHECKPOINT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with timed() as selecting:
            tried = _select(task, estimator, X, y, groups)
        names = {name for each in tried for name in each["params"]}
        selected = {name: last.get_params()[name] for name in sorted(names)}
        with timed() as training:
            fit_model(estimator, X, y)
    return estimator, {
        "n_train": len(X),
        "select_cpu_seconds": selecting.cpu,
        "train_cpu_seconds": training.cpu,
        "train_seconds": training.wall,
        "seconds": selecting.wall + training.wall,
        "selection": tried,
        "params": selected,
        "warnings": sorted({str(each.message) for each in caught}),
    }


def _select(task, estimator, X, y, groups):
    """Select the parameters of a task; return what was tried."""
    if not task.select or not task.row.grid:
        return []
    if groups is not None and len(np.unique(groups)) == 1:
        warnings.warn(
            "Parameters were not selected: the training texts are of one group, which "
            "is not divided.",
            stacklevel=1,
        )
        return []
    return select_parameters(
        estimator, task.row.grid, X, y, groups=groups, seed=task.seed
    )


def _predict(estimator, X, n_classes):
    """Return the predicted classes, their probabilities or None, and the time."""
    found = None
    with timed() as seconds:
        if hasattr(last_step(estimator), "net_"):  # predict would compute it again
            found = estimator.predict_proba(X)
            predicted = estimator.classes_[found.argmax(axis=1)]
        else:
            predicted = estimator.predict(X)
    if found is None and hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(X)
    predicted = _check_predicted(predicted, len(X), n_classes)
    probabilities = None
    if found is not None:
        # Classes without a training text have the probability 0.
        probabilities = np.zeros((len(X), n_classes), dtype=np.float32)
        probabilities[:, estimator.classes_] = _check_probabilities(
            found, (len(X), len(estimator.classes_))
        )
    return predicted, probabilities, seconds


def _check_predicted(predicted, n_texts, n_classes):
    """Return predicted classes as ints, or raise `ValueError`."""
    predicted = np.asarray(predicted)
    if predicted.shape != (n_texts,):
        raise ValueError(
            f"Expected predict to return one label for each of {n_texts:,} texts, got "
            f"an array of shape {predicted.shape}."
        )
    if not np.isin(predicted, np.arange(n_classes)).all():
        raise ValueError("Expected predict to return labels that fit was given.")
    return predicted.astype(np.int64)


def _check_probabilities(found, shape):
    """Return probabilities, or raise `ValueError`."""
    found = np.asarray(found, dtype=np.float64)
    if found.shape != shape:
        raise ValueError(
            f"Expected predict_proba to return an array of shape {shape}, got "
            f"{found.shape}."
        )
    if not ((found >= 0) & (found <= 1 + 1e-6)).all():
        raise ValueError(
            "Expected predict_proba to return probabilities from 0 to 1, got others or "
            "NaN."
        )
    return found


def _measure_latency(estimator, X):
    """Return the median CPU milliseconds of the prediction of a single text."""
    measured = []
    for text in X[:_N_SINGLE]:
        with timed() as seconds:
            estimator.predict([text])
        measured.append(1e3 * seconds.cpu)
    return statistics.median(measured)


def _count_bytes(estimator):
    """Return the size of the saved model: of `save`, or of a pickle of others."""
    # To refuse any other estimator, `save` would import torch.
    linear = (OnlineNGramClassifier, Pipeline)
    if isinstance(estimator, linear) or hasattr(estimator, "net_"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            with warnings.catch_warnings(), contextlib.suppress(TypeError):
                warnings.simplefilter("ignore")
                persistence.save(estimator, path)
                return path.stat().st_size
    # The class may be one of a script, which the standard pickle does not find here.
    return len(dumps(estimator))


def write_cell(cell, path):
    """Write a cell to a file, atomically."""
    arrays = {"test": cell.test, "predicted": cell.predicted}
    if cell.probabilities is not None:
        arrays["probabilities"] = cell.probabilities
    arrays |= {f"noisy {rate!r}": ids for rate, ids in cell.noisy.items()}
    about = {
        "model": cell.model,
        "split": cell.split,
        "fraction": cell.fraction,
        "record": cell.record,
    }
    with atomic_write(path) as file:
        np.savez_compressed(file, about=json.dumps(about), **arrays)


def read_cell(path):
    """Return the cell in a file."""
    # NumPy does not close a damaged file that it opened.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    about = json.loads(str(arrays.pop("about")))
    noisy = {
        float(name.removeprefix("noisy ")): ids
        for name, ids in arrays.items()
        if name.startswith("noisy ")
    }
    return Cell(
        test=arrays["test"],
        predicted=arrays["predicted"],
        probabilities=arrays.get("probabilities"),
        noisy=noisy,
        **about,
    )
