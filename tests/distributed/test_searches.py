"""Searches in worker processes give the scores of a sequential search."""

import os
import signal
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from skorch.callbacks import Callback

from sktextconv import TextStore

from ..classifiers import NETWORKS
from .fits import LABELS, TEXTS

CLASSIFIER = clone(NETWORKS["kimcnn"]).set_params(n_jobs=1)
GRID = {"n_filters": [4, 8]}


class KillOnce(Callback):
    """Callback that ends its process if a file exists, which it deletes first."""

    def __init__(self, path):
        self.path = path

    def on_train_begin(self, net, **kwargs):
        try:
            Path(self.path).unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def grid_search(classifier, texts):
    search = GridSearchCV(classifier, GRID, cv=2, error_score="raise", n_jobs=2)
    search.fit(texts, LABELS)
    scores = [search.cv_results_[f"split{split}_test_score"] for split in (0, 1)]
    return np.concatenate([*scores, search.predict_proba(texts).ravel()])


def halving_search(classifier, texts):
    search = HalvingGridSearchCV(
        classifier,
        GRID,
        resource="max_epochs",
        min_resources=1,
        max_resources=3,
        cv=2,
        error_score="raise",
        random_state=0,
        n_jobs=2,
    ).fit(texts, LABELS)
    results = search.cv_results_
    return np.concatenate([results["n_resources"], results["split1_test_score"]])


def validation(classifier, texts):
    found = cross_validate(
        classifier, texts, LABELS, cv=3, scoring="neg_log_loss", n_jobs=2
    )
    return found["test_score"]


SEARCHES = [grid_search, halving_search, validation]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return TextStore.from_texts(TEXTS, tmp_path_factory.mktemp("store") / "texts")


@pytest.mark.parametrize("run", SEARCHES)
def test_searches_on_loky(run):
    """Two processes give the bits of a sequential search."""
    with joblib.parallel_config("sequential"):
        expected = run(CLASSIFIER, TEXTS)
    with joblib.parallel_config("loky"):
        np.testing.assert_array_equal(run(CLASSIFIER, TEXTS), expected)


@pytest.mark.parametrize("run", SEARCHES)
def test_searches_on_dask(dask, store, run):
    """A cluster gives the bits of a sequential search, with a file of texts too."""
    with joblib.parallel_config("sequential"):
        expected = run(CLASSIFIER, TEXTS)
    np.testing.assert_array_equal(run(CLASSIFIER, TEXTS), expected)
    np.testing.assert_array_equal(run(CLASSIFIER, store), expected)


class IsSingle(Callback):
    """Callback that fails unless one process trains."""

    def on_train_begin(self, net, **kwargs):
        assert net.ranks.size == 1


def test_search_worker_starts_no_processes():
    classifier = clone(CLASSIFIER).set_params(n_workers=2, callbacks=[IsSingle()])
    with joblib.parallel_config("loky"):
        assert np.isfinite(validation(classifier, TEXTS)).all()


def test_search_survives_killed_dask_worker(dask, tmp_path):
    """The jobs of a worker that is killed are done again."""
    with joblib.parallel_config("sequential"):
        expected = grid_search(CLASSIFIER, TEXTS)
    path = tmp_path / "kill"
    path.touch()
    killed = clone(CLASSIFIER).set_params(callbacks=[KillOnce(path)])
    np.testing.assert_array_equal(grid_search(killed, TEXTS), expected)
    assert not path.exists()
