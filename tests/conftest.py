"""Shared by all tests: one thread, no network, and where the real data lie."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

REPOSITORY = Path(__file__).parents[1]

torch.set_num_threads(1)


def attempt(function, *args, **kwargs):
    """Call a function; return what it returned and None, or None and its error."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes or the internet unless `-m` asks for it."""
    asked = config.getoption("-m")
    for item in items:
        for marker in ("slow", "network"):
            if marker in item.keywords and marker not in asked:
                item.add_marker(pytest.mark.skip(reason=f"run with -m {marker}"))


@pytest.fixture(scope="session")
def data_folder():
    """The folder with the real data files, for tests marked `data`."""
    for folder in (os.environ.get("SKTEXTCONV_DATA"), REPOSITORY / "../shared/data"):
        if folder and (Path(folder) / "ag_news_test.csv.xz").exists():
            return Path(folder)
    pytest.skip("SKTEXTCONV_DATA names no folder with the data files")


@pytest.fixture(scope="session")
def corpus():
    """Twenty-four short texts of two classes, told apart by their letters."""
    good = [f"good fine {word}" for word in ("abc", "def", "ghi", "jkl", "mno", "pqr")]
    bad = [f"xxzz yyqq {word}" for word in ("abc", "def", "ghi", "jkl", "mno", "pqr")]
    return (good + bad) * 2, np.array((["pos"] * 6 + ["neg"] * 6) * 2)
