"""joblib's backend of a Dask cluster."""

import joblib
import pytest
from distributed import Client


@pytest.fixture
def dask(dask_cluster):
    """Client of a cluster of two processes, on which joblib runs its jobs."""
    with Client(dask_cluster) as client, joblib.parallel_config("dask"):
        client.wait_for_workers(2)
        yield client
