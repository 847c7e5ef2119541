"""Shared settings, fixtures and helpers: one thread, no slow or network tests."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

REPOSITORY = Path(__file__).parents[1]

torch.set_num_threads(1)
# The time of an example depends on the load of the machine, and is no promise.
settings.register_profile("sktextconv", deadline=None)
settings.load_profile("sktextconv")


def attempt(function, *args, **kwargs):
    """Call a function; return its result and None, or None and its error."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


def same_bits(one, other, texts):
    """Return whether two classifiers give exactly the same probabilities."""
    return np.array_equal(one.predict_proba(texts), other.predict_proba(texts))


def pytest_collection_modifyitems(config, items):
    """Skip tests that take minutes or need the internet unless `-m` selects them."""
    selected = config.getoption("-m")
    for item in items:
        for marker in ("slow", "network"):
            if marker in item.keywords and marker not in selected:
                item.add_marker(pytest.mark.skip(reason=f"run with -m {marker}"))


@pytest.fixture(scope="module")
def dask_cluster():
    """Dask cluster of two processes with one thread each.

    Its threads allocate memory and would disturb the tests that measure it, so that it
    does not outlive the tests of a module.
    """
    from distributed import LocalCluster

    # Without an address, two test processes would want the same port.
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def data_folder():
    """Folder with the real data files, for tests marked `data`."""
    for folder in (os.environ.get("SKTEXTCONV_DATA"), REPOSITORY / "../shared/data"):
        if folder and (Path(folder) / "ag_news_test.csv.xz").exists():
            return Path(folder)
    pytest.skip("SKTEXTCONV_DATA names no folder with the data files")


@pytest.fixture(scope="session")
def corpus():
    """Texts and labels: 24 short texts of two classes with different letters."""
    good = [f"good fine {word}" for word in ("abc", "def", "ghi", "jkl", "mno", "pqr")]
    bad = [f"xxzz yyqq {word}" for word in ("abc", "def", "ghi", "jkl", "mno", "pqr")]
    return (good + bad) * 2, np.array((["pos"] * 6 + ["neg"] * 6) * 2)
