"""Fixtures of the tests of saved files."""

import pytest
from sklearn.base import clone

import sktextconv

from ..classifiers import NETWORKS
from .model_files import KIM, LABELS, TEXTS, trained


@pytest.fixture(params=NETWORKS)
def network(request):
    return trained(request.param)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def saved(folder):
    """Return the bytes of a saved model."""
    path = folder / "saved"
    sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path)
    return path.read_bytes()
