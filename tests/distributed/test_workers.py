"""Fits that start processes themselves, on this machine and on a Dask cluster."""

import os
import signal
import time

import numpy as np
import pytest
from joblib.externals.loky import process_executor
from sklearn.base import clone
from skorch.callbacks import Callback

from .fits import LABELS, TEXTS, make_deterministic, weights_of


@pytest.fixture(scope="module")
def classifier():
    return make_deterministic("kimcnn").set_params(n_workers=2)


@pytest.fixture(scope="module")
def expected(classifier):
    return weights_of(clone(classifier).set_params(n_workers=1).fit(TEXTS, LABELS))


class Kill(Callback):
    """Callback that ends the second process in the second epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2 and net.ranks.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def test_fit_in_new_processes(classifier, expected):
    """The weights are those of one process, and a RandomState advances as there."""
    random_state = np.random.RandomState(0)
    fitted = clone(classifier).set_params(random_state=random_state).fit(TEXTS, LABELS)
    np.testing.assert_allclose(weights_of(fitted), expected, rtol=0, atol=1e-5)
    other = np.random.RandomState(0)
    clone(classifier).set_params(n_workers=None, random_state=other).fit(TEXTS, LABELS)
    assert random_state.randint(2**31) == other.randint(2**31)


def test_more_processes_than_cores(classifier):
    many = clone(classifier).set_params(n_workers=10**9)
    with pytest.raises(ValueError, match=r"'n_workers' parameter .* Got 1000000000"):
        many.fit(TEXTS, LABELS)


def test_lost_process_is_an_error(classifier):
    with pytest.raises(RuntimeError, match=r"one of them has ended: .* n_workers"):
        clone(classifier).set_params(callbacks=[Kill()]).fit(TEXTS, LABELS)


def test_lost_process_noticed_late(classifier, monkeypatch):
    """The error is the same if the other process notices the end first."""

    def wait_late(objects, timeout=None):
        wait(objects, timeout)
        time.sleep(0.1)
        return wait(objects, 0)

    wait = process_executor.wait
    monkeypatch.setattr(process_executor, "wait", wait_late)
    test_lost_process_is_an_error(classifier)


def test_fit_on_dask_workers(dask, classifier, expected):
    """Workers of a cluster fit twice, in as many processes as `n_workers`."""
    for _ in range(2):
        fitted = clone(classifier).fit(TEXTS, LABELS)
        np.testing.assert_allclose(weights_of(fitted), expected, rtol=0, atol=1e-5)
    with pytest.raises(
        ValueError, match=r"n_workers=3 worker processes or more, got 2"
    ):
        clone(classifier).set_params(n_workers=3).fit(TEXTS, LABELS)


def test_killed_dask_worker_is_an_error(dask, classifier, expected):
    """The fit ends with an error, and the cluster can fit again."""
    with pytest.raises(RuntimeError, match="Expected 2 processes to train together"):
        clone(classifier).set_params(callbacks=[Kill()]).fit(TEXTS, LABELS)
    deadline = time.monotonic() + 60
    # The scheduler may still list the worker that was killed.
    while len(dask.run(os.getpid, on_error="ignore")) < 2:
        assert time.monotonic() < deadline
    fitted = clone(classifier).fit(TEXTS, LABELS)
    np.testing.assert_allclose(weights_of(fitted), expected, rtol=0, atol=1e-5)
