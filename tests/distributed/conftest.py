"""joblib's backend of a Dask cluster, and results that several tests look at."""

import os
import shutil

import joblib
import pytest
from distributed import Client
from filelock import FileLock


@pytest.fixture
def dask(dask_cluster):
    """Client of a cluster of two processes, on which joblib runs its jobs."""
    with Client(dask_cluster) as client, joblib.parallel_config("dask"):
        client.wait_for_workers(2)
        yield client


@pytest.fixture(scope="session")
def fill_once(tmp_path_factory):
    """Function ``fill_once(name, fill)`` that returns a folder which `fill` has filled.

    The first test process that needs the folder fills it, for all of them.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # which all test processes share

    def fill_once(name, fill):
        folder, filled = root / name, root / f"{name}.filled"
        with FileLock(root / f"{name}.lock"):
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder

    return fill_once
