"""A Dask cluster on this machine."""

import joblib
import pytest


@pytest.fixture(scope="session")
def cluster():
    """Client of a cluster of two processes, each with two threads."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 2, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def dask(cluster):
    """The same, as joblib's backend."""
    with joblib.parallel_config("dask"):
        yield cluster
