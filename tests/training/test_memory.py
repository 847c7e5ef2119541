"""Encoders and ids that fits share through a folder."""

import errno

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sktextconv import KimCNNClassifier, TextStore
from sktextconv.encoding import WordEncoder
from sktextconv.training._memory import encode_once, open_memory

from ..classifiers import NETWORKS
from ..conftest import same_bits

TEXTS = [f"{word} film {n}" for n, word in enumerate(["good", "bad", "odd"] * 8)]
LABELS = [0, 1, 2] * 8


def make(path, **params):
    return KimCNNClassifier(max_epochs=1, random_state=0, memory=path, **params)


def read_entries(path):
    """Return the kept results and the times at which they were written."""
    return {each: each.stat().st_mtime_ns for each in path.rglob("output.pkl")}


@pytest.mark.parametrize("name", NETWORKS)
def test_fits_with_memory_have_same_bits(name, tmp_path):
    """A fit that fills the folder, and one that reads it, equal one without."""
    network = clone(NETWORKS[name]).set_params(
        early_stopping=True, validation_fraction=0.25
    )
    expected = clone(network).fit(TEXTS, LABELS)
    for _ in range(2):
        found = clone(network).set_params(memory=tmp_path).fit(TEXTS, LABELS)
        assert same_bits(found, expected, TEXTS)
        assert found.encoder_.get_state() == expected.encoder_.get_state()
    # The encoder, and the ids of training and validation.
    assert len(read_entries(tmp_path)) == 3


def test_equal_texts_are_encoded_once(tmp_path):
    """They may come from a list or a file, for other parameters of the network."""
    make(tmp_path).fit(TEXTS, LABELS)
    once = read_entries(tmp_path)
    assert len(once) == 2
    make(tmp_path, n_filters=3, learning_rate=0.1).fit(TEXTS, LABELS[::-1])
    make(tmp_path).fit(np.array(TEXTS, dtype=object), LABELS)
    make(tmp_path).fit(TextStore.from_texts(TEXTS, tmp_path / "texts"), LABELS)
    make(joblib.Memory(tmp_path, verbose=0)).fit(TEXTS, LABELS)
    assert read_entries(tmp_path) == once


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS[::-1],
        [*TEXTS[:-1], "other"],
        [TEXTS[0] + TEXTS[1][:1], TEXTS[1][1:], *TEXTS[2:]],
    ],
)
def test_other_texts_are_encoded(texts, tmp_path):
    for n, each in enumerate((TEXTS, texts), 1):
        make(tmp_path).fit(each, LABELS)
        assert len(read_entries(tmp_path)) == 2 * n


def test_other_encoders_encode(tmp_path, monkeypatch):
    """An encoder with other parameters, or of another version, encodes again."""
    make(tmp_path).fit(TEXTS, LABELS)
    make(tmp_path, lowercase=False).fit(TEXTS, LABELS)
    assert len(read_entries(tmp_path)) == 4
    monkeypatch.setattr("sktextconv.training._memory._VERSIONS", ("0",))
    make(tmp_path).fit(TEXTS, LABELS)
    assert len(read_entries(tmp_path)) == 6


class OwnEncoder(WordEncoder):
    """Encoder whose code is not that of the package."""


class OwnNetwork(KimCNNClassifier):
    def _make_encoder(self):
        return OwnEncoder()


def test_results_of_other_code_are_not_kept(tmp_path):
    """It may change under the same name."""
    make(tmp_path, tokenizer=lambda text: text.split()).fit(TEXTS, LABELS)
    OwnNetwork(max_epochs=1, memory=tmp_path).fit(TEXTS, LABELS)
    assert not read_entries(tmp_path)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_search_encodes_once_per_fold(n_jobs, tmp_path):
    """Candidates share ids; scores have the bits of a search without."""
    grid = {"learning_rate": [0.01, 0.03, 0.1]}
    scores = []
    for path in (None, tmp_path):
        network = make(path, n_jobs=1)
        search = GridSearchCV(network, grid, cv=2, refit=False, n_jobs=n_jobs)
        search.fit(TEXTS, LABELS)
        scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)
    assert len(read_entries(tmp_path)) == 2 * 2  # not those of texts to predict


def test_ids_are_mapped_from_file(tmp_path):
    """Several processes hold them once, and training changes no bit of the file."""
    network = clone(NETWORKS["kimcnn"]).set_params(memory=tmp_path)
    encoder = network.fit(TEXTS, LABELS).encoder_
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.pkl")}
    ids = encode_once(encoder, TEXTS, open_memory(network)).ids
    assert isinstance(ids, np.memmap)
    ids[:] = 0
    network.fit(TEXTS, LABELS)
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*.pkl")}


def test_partial_fit_keeps_nothing(tmp_path):
    """Texts that come in parts do not come again."""
    network = clone(NETWORKS["kimcnn"]).set_params(memory=tmp_path)
    network.partial_fit(TEXTS, LABELS, classes=[0, 1, 2])
    assert not list(tmp_path.iterdir())


def test_fit_without_space_in_folder(tmp_path, monkeypatch):
    """joblib warns, and the fit encodes without it."""

    def fail(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("joblib.numpy_pickle.dump", fail)
    with pytest.warns(Warning, match="No space left on device"):
        found = make(tmp_path).fit(TEXTS, LABELS)
    assert same_bits(found, make(None).fit(TEXTS, LABELS), TEXTS)


def test_damaged_folder_is_filled_again(tmp_path, caplog):
    """joblib logs this, without printing the texts."""
    make(tmp_path).fit(TEXTS, LABELS)
    for path in tmp_path.rglob("output.pkl"):
        path.write_bytes(path.read_bytes()[:9])
    found = make(tmp_path).fit(TEXTS, LABELS)
    assert "24 texts" in caplog.text
    assert TEXTS[0] not in caplog.text
    assert same_bits(found, make(None).fit(TEXTS, LABELS), TEXTS)


@pytest.mark.parametrize("memory", [3, b"folder", ["folder"], ""])
def test_memory_of_other_type(memory):
    network = clone(NETWORKS["kimcnn"]).set_params(memory=memory)
    with pytest.raises(ValueError, match="The 'memory' parameter of KimCNNClassifier"):
        network.fit(TEXTS, LABELS)


@pytest.mark.parametrize("path", ["/proc/folder", "\0", "\ud800", "a" * 999])
def test_memory_unwritable(path):
    network = clone(NETWORKS["kimcnn"]).set_params(memory=path, max_epochs=10**9)
    with pytest.raises(ValueError, match="a folder that can be written"):
        network.fit(TEXTS, LABELS)
