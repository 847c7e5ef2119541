"""Comparison of estimators of users: wrong answers, failures, names, files."""

import subprocess
import sys

import numpy as np
import pytest

from sktextconv import compare
from sktextconv.comparison._cell import Cell, CellJob, Task, read_cell, write_cell
from sktextconv.comparison._rows import resolve_rows

from .test_compare import LABELS, TEXTS, Coin


class Answers(Coin):
    """Classifier with an answer of one kind, which is valid or not."""

    def __init__(self, kind="valid"):
        self.kind = kind

    def fit(self, X, y):
        if self.kind == "exit":
            sys.exit("no license")
        if self.kind == "interrupt":
            raise KeyboardInterrupt
        if self.kind == "small" and len(X) == len(TEXTS):
            raise ValueError("too many texts")
        return super().fit(X, y)

    def predict(self, X):
        zeros = np.zeros(len(X), dtype=int)
        return {
            "one": zeros[:1],
            "short": zeros[:-1],
            "column": zeros[:, None],
            "outlier": zeros - 1,
            "fraction": zeros + 0.7,
            "text": zeros.astype(str),
        }.get(self.kind, zeros)


class Probabilities(Answers):
    """Classifier with probabilities of one kind."""

    def predict_proba(self, X):
        found = np.tile([0.25, 0.75], (len(X), 1))
        return {"narrow": found[:, :1], "nan": found * np.nan}.get(self.kind, found)


class Other(Answers):
    """Classifier with the parameters of `Answers` and other answers."""

    def predict(self, X):
        return np.ones(len(X), dtype=int)


@pytest.fixture(scope="module")
def hostile():
    kinds = ("one", "short", "column", "outlier", "fraction", "text")
    models = {kind: Answers(kind) for kind in (*kinds, "exit", "interrupt", "valid")}
    models |= {kind: Probabilities(kind) for kind in ("narrow", "nan", "opposite")}
    return compare(TEXTS, LABELS, models=models, refit=False)


def test_hostile_estimators_are_left(hostile):
    """An estimator with invalid answers, or that exits, does not end the others."""
    assert {result.model for result in hostile.results} == {"valid", "opposite"}
    reasons = {each.model: each.reason for each in hostile.left}
    for kind in ("one", "short", "column", "outlier", "fraction", "text"):
        assert reasons.pop(kind).startswith("ValueError: Expected predict to return")
    for kind in ("narrow", "nan"):
        reason = reasons.pop(kind)
        assert reason.startswith("ValueError: Expected predict_proba to return")
    assert reasons == {
        "exit": "SystemExit: no license",
        "interrupt": "KeyboardInterrupt",
    }


def test_answers_are_those_of_predict(hostile):
    """Errors are those of `predict`, whatever the probabilities are."""
    cells = {cell.model: cell for cell in hostile.cells}
    assert set(cells["opposite"].predicted) == {0}
    assert (cells["opposite"].probabilities.argmax(axis=1) == 1).all()


def test_winner_that_cannot_be_fitted_to_all():
    """The comparison is returned, with a warning that has the reason."""
    with pytest.warns(UserWarning, match="mine was not fitted to all .*: too many"):
        found = compare(TEXTS, LABELS, models={"mine": Answers("small")})
    assert found.winner == "mine"
    assert found.winner_estimator is None


_SCRIPT = """
import sys
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sktextconv import compare

class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]

found = compare(["a", "b"] * 9, ["x", "y"] * 9, models={"mine": Mine()})
print(found.left, found.winner_estimator.predict(["a"]), "dask" in sys.modules)
"""


def test_estimator_of_script(tmp_path):
    """A class of a script from the standard input, without a main guard, is tested.

    Without a cluster, Dask is not imported.
    """
    ended = subprocess.run(
        [sys.executable, "-"], input=_SCRIPT, capture_output=True, text=True
    )
    assert ended.stdout == "[] ['x'] False\n", ended.stderr


# ---------------------------------------------------------------------------
# Names and files of cells
# ---------------------------------------------------------------------------


def make_job(name, estimator, folder, **settings):
    row = resolve_rows({name: estimator})[name]
    task = Task(name, row, 0, np.arange(20), np.arange(20, 36), **settings)
    return CellJob(task, None, folder / f"{task.key('checksum')}.npz", 1.0)


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "../x", "a/b\n", ""])
def test_key_is_a_short_file_name(name, tmp_path):
    path = make_job(name, Coin(), tmp_path).path
    assert path.parent == tmp_path
    path.touch()


def test_key_depends_on_class(tmp_path):
    """Estimators of two classes with the same parameters have cells of their own."""
    jobs = [make_job("mine", each(), tmp_path) for each in (Answers, Other)]
    assert jobs[0].path != jobs[1].path


def test_cells_of_equal_tasks_and_damaged_ones(tmp_path):
    """A cell from the file of an equal task has its own name; a damaged one is run."""
    compare(TEXTS, LABELS, models={"a/b": Coin()}, folder=tmp_path, refit=False)
    settings = {"models": {"a_b": Coin()}, "folder": tmp_path, "refit": False}
    assert compare(TEXTS, LABELS, **settings).winner == "a_b"
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:400])
    assert compare(TEXTS, LABELS, **settings).winner == "a_b"
    assert read_cell(path).model == "a_b"


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "rows"])
def test_damaged_cell_is_not_read(damage, tmp_path):
    job = make_job("coin", Coin(), tmp_path)
    test = job.task.test[1:] if damage == "rows" else job.task.test
    write_cell(Cell("coin", 0, 1.0, test, test % 2, None), job.path)
    content = bytearray(job.path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "flip":
        content[70] ^= 255  # in the first array
    elif damage == "empty":
        content.clear()
    elif damage == "other":
        content[:] = b"not a cell"
    job.path.write_bytes(content)
    assert job.read() is None
