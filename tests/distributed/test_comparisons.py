"""Comparisons on a Dask cluster give the results of one process."""

import time

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sktextconv import compare

from ..classifiers import NETWORKS
from ..conftest import same_bits
from .answers import (
    CountedText,
    Endless,
    HalfSecond,
    Killer,
    OneThread,
    Shortest,
    count_plugins,
    count_received,
    set_threads,
)
from .fits import LABELS, TEXTS


def results_of(comparison):
    """Return all of the cells but times."""
    keys = ("error", "n_train", "params", "selection", "warnings")
    return {
        (cell.model, cell.split): (
            cell.predicted.tolist(),
            cell.probabilities.tolist(),
            cell.noisy[0.1].tolist(),
            [cell.record[key] for key in keys],
        )
        for cell in comparison.cells
    }


def test_comparison_on_dask(dask):
    """Errors, predictions and parameters have the bits of one process."""
    options = {"models": ["tfidf", "bow"], "cv": 2, "noise": [0.1]}
    with joblib.parallel_config("loky"):
        expected = compare(TEXTS, LABELS, n_jobs=1, **options)
    found = compare(TEXTS, LABELS, **options)
    assert not found.left
    assert results_of(found) == results_of(expected)
    assert set(found.as_good) == set(expected.as_good)
    winner = found.winner_estimator
    refitted = clone(winner).fit(TEXTS, LABELS)  # which of them wins depends on time
    assert same_bits(winner, refitted, TEXTS)
    settings = {"n_jobs": 2, "threads": 1}
    assert settings.items() <= found.about["settings"].items()


def test_network_on_dask(dask):
    """A network that a worker trains has the bits of one that this process trains."""
    network = clone(NETWORKS["kimcnn"]).set_params(n_jobs=1)
    options = {"models": {"kimcnn": network}, "cv": [(range(20), range(20, 25))]}
    (cell,) = compare(TEXTS, LABELS, refit=False, **options).cells
    expected = network.fit(TEXTS[:20], LABELS[:20]).predict_proba(TEXTS[20:])
    np.testing.assert_array_equal(cell.probabilities, expected.astype(np.float32))


def test_texts_are_sent_once_to_each_worker(dask):
    """A worker receives the texts once for several cells, and forgets them."""
    texts = [CountedText(text) for text in TEXTS]
    found = compare(texts, LABELS, models={"a": Shortest(), "b": Shortest()}, cv=3)
    assert len(found.cells) == 6
    assert list(dask.run(count_received).values()) == [len(TEXTS)] * 2
    assert set(dask.run(count_plugins).values()) == {0}


def set_threads_of_workers(client, n_threads):
    # The thread of cells must set it, or it could not change the number later.
    futures = [
        client.submit(set_threads, n_threads, workers=[worker], pure=False)
        for worker in client.nthreads()
    ]
    return client.gather(futures)


def test_cells_have_one_thread(dask):
    """Whatever the worker has been set to, and it has its own number afterwards."""
    set_threads_of_workers(dask, 2)
    try:
        found = compare(TEXTS, LABELS, models={"mine": OneThread()}, cv=2)
        assert not found.left
    finally:
        assert set_threads_of_workers(dask, 1) == [2, 2]


@pytest.mark.parametrize(("n_jobs", "expected"), [(-1, 2), (1, 1)])
def test_number_of_cells_at_a_time(dask, n_jobs, expected):
    models = {"mine": Shortest()}
    found = compare(TEXTS, LABELS, models=models, n_jobs=n_jobs, refit=False)
    assert found.about["settings"]["n_jobs"] == expected


def test_end_of_time_frees_workers(dask):
    """Cells that run at the end are interrupted, and the winner is fitted in time."""
    models = {"mine": HalfSecond(), "endless": Endless()}
    # The first cell of a worker imports modules, which may take longer than the time.
    compare(TEXTS, LABELS, models={"mine": Shortest()}, cv=2, refit=False)
    start = time.monotonic()
    found = compare(TEXTS, LABELS, models=models, cv=2, max_seconds=8)
    assert time.monotonic() - start < 14
    assert [result.model for result in found.results] == ["mine"]
    reasons = [(each.model, each.reason) for each in found.left]
    assert reasons == [("endless", "it was stopped at the end of the time")] * 2
    assert found.winner_estimator.predict(TEXTS).shape == (len(TEXTS),)


def test_cells_of_killed_workers_are_run_again(dask, tmp_path, capsys):
    """New workers have the texts too; finished cells are files of the client."""
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    for name in "ab":  # one for each worker
        (deaths / name).touch()
    models = {"killer": Killer(str(deaths)), "other": Shortest()}
    options = {"models": models, "folder": tmp_path / "cells", "verbose": True}
    found = compare(TEXTS, LABELS, n_jobs=1, **options)
    assert not list(deaths.iterdir())
    assert not found.left
    killer, other = found.cells
    assert killer.model == "killer"
    np.testing.assert_array_equal(killer.predicted, other.predicted)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in lines[:2]] == [
        "[1/2] killer",
        "[2/2] other",
    ]
    compare(TEXTS, LABELS, refit=False, **options)
    assert capsys.readouterr().err == "2 of 2 cells were done before\n"


def test_model_that_kills_workers_is_left(dask, dask_cluster, monkeypatch):
    monkeypatch.setattr(dask_cluster.scheduler, "allowed_failures", 0)
    found = compare(TEXTS, LABELS, models={"mine": Shortest(), "killer": Killer()})
    assert [result.model for result in found.results] == ["mine"]
    (left,) = found.left
    assert left.reason == "its process ended, perhaps for lack of memory"
