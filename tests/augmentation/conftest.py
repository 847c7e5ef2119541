"""Fixtures with a small WordNet, the real one, and none."""

import tarfile

import pytest

from .wordnet_files import write_wordnet


@pytest.fixture(scope="session")
def wordnet(tmp_path_factory):
    return str(write_wordnet(tmp_path_factory.mktemp("plain") / "dict"))


@pytest.fixture
def hidden_wordnet(monkeypatch):
    """Hide all installed copies of WordNet; return NLTK's list of data folders."""
    nltk_data = pytest.importorskip("nltk.data")
    monkeypatch.setattr(nltk_data, "path", [])
    monkeypatch.delenv("WNSEARCHDIR", raising=False)
    return nltk_data.path


@pytest.fixture(scope="session")
def nltk_data(data_folder, tmp_path_factory):
    """Return a data folder of NLTK with the whole WordNet."""
    folder = tmp_path_factory.mktemp("data")
    with tarfile.open(data_folder / "nltk_data.tar.xz") as archive:
        # The filter removes write permission of the group, which NLTK rejects.
        archive.extractall(folder, filter="data")
    return folder / "nltk_data"
