"""Encoders and ids that fits share through a folder."""

import os
import sys

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


class CountedEncoder(WordEncoder):
    """Encoder that writes a line per call of its methods to a file."""

    log = None

    def fit(self, texts):
        self._write("fit")
        return super().fit(texts)

    def _encode(self, texts):
        self._write("encode")
        return super()._encode(texts)

    def _write(self, line):
        with open(os.environ["LOG"], "a") as file:
            file.write(f"{line}\n")


class CountedKimCNN(KimCNNClassifier):
    def _make_encoder(self):
        return CountedEncoder(lowercase=self.lowercase, tokenizer=self.tokenizer)


@pytest.fixture
def read_calls(tmp_path, monkeypatch):
    """Function that returns the calls of encoders since the last time."""
    path = tmp_path / "log"
    monkeypatch.setenv("LOG", str(path))

    def read():
        lines = path.read_text().split() if path.exists() else []
        path.write_text("")
        return lines

    return read


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


def make(path, **params):
    return CountedKimCNN(max_epochs=1, random_state=0, memory=path, **params)


def test_equal_texts_are_encoded_once(tmp_path, read_calls):
    """They may come from a list or a file, for other parameters of the network."""
    once = ["fit", "encode"]
    make(tmp_path).fit(TEXTS, LABELS)
    assert read_calls() == once
    make(tmp_path, n_filters=3, learning_rate=0.1).fit(TEXTS, LABELS[::-1])
    make(tmp_path).fit(np.array(TEXTS, dtype=object), LABELS)
    make(tmp_path).fit(TextStore.from_texts(TEXTS, tmp_path / "texts"), LABELS)
    make(joblib.Memory(tmp_path, verbose=0)).fit(TEXTS, LABELS)
    assert read_calls() == []
    make(None).fit(TEXTS, LABELS)
    assert read_calls() == once


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS[::-1],
        [*TEXTS[:-1], "other"],
        [TEXTS[0] + TEXTS[1][:1], TEXTS[1][1:], *TEXTS[2:]],
    ],
)
def test_other_texts_are_encoded(texts, tmp_path, read_calls):
    for each in (TEXTS, texts):
        make(tmp_path).fit(each, LABELS)
        assert read_calls() == ["fit", "encode"]


def test_other_encoders_encode(tmp_path, read_calls, monkeypatch):
    """Those with other parameters, or of another version of the package."""
    make(tmp_path).fit(TEXTS, LABELS)
    read_calls()
    make(tmp_path, lowercase=False).fit(TEXTS, LABELS)
    assert read_calls() == ["fit", "encode"]
    monkeypatch.setattr("sktextconv.training._memory.__version__", "0")
    make(tmp_path).fit(TEXTS, LABELS)
    assert read_calls() == ["fit", "encode"]


def test_changed_tokenizer_encodes(tmp_path, read_calls, monkeypatch):
    """A notebook may define a function of the same name again."""
    main = sys.modules["__main__"]
    for code in ("text.split()", "text.split()", "list(text)"):
        monkeypatch.setattr(main, "split", None, raising=False)
        exec(f"def split(text): return {code}", vars(main))
        network = make(tmp_path, tokenizer=main.split).fit(TEXTS, LABELS)
        assert ("good" in network.encoder_.get_state()["words"]) == ("split" in code)


def test_tokenizer_without_name(tmp_path):
    network = make(tmp_path, tokenizer=lambda text: text.split())
    with pytest.raises(ValueError, match="'memory' parameter must be None for Counted"):
        network.fit(TEXTS, LABELS)


def test_search_encodes_once_per_fold(tmp_path, read_calls):
    """Candidates share ids; scores have the bits of a search without."""
    grid = {"learning_rate": [0.01, 0.03, 0.1]}
    scores = []
    for path in (None, tmp_path):
        search = GridSearchCV(make(path), grid, cv=2, refit=False, n_jobs=1)
        search.fit(TEXTS, LABELS)
        scores.append(search.cv_results_["mean_test_score"])
        # Each of the six candidates encodes its test texts.
        assert read_calls().count("fit") == (6 if path is None else 2)
    np.testing.assert_array_equal(*scores)


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


@pytest.mark.parametrize("memory", [3, b"folder", ["folder"]])
def test_memory_of_other_type(memory):
    network = clone(NETWORKS["kimcnn"]).set_params(memory=memory)
    with pytest.raises(ValueError, match="The 'memory' parameter of KimCNNClassifier"):
        network.fit(TEXTS, LABELS)


@pytest.mark.parametrize("path", ["/proc/folder", "\0", "\ud800", "a" * 999])
def test_memory_unwritable(path):
    network = clone(NETWORKS["kimcnn"]).set_params(memory=path, max_epochs=10**9)
    with pytest.raises(ValueError, match="a folder that can be written"):
        network.fit(TEXTS, LABELS)
