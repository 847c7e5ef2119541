"""Files of networks that read scripts without spaces in runs predict as ever.

They were written before such scripts were split by character, with the settings of
`tests.classifiers.NETWORKS` on the texts that they come with.
"""

import json
import lzma
import pickle
from pathlib import Path

import numpy as np
import pytest

from sktextconv import OnnxClassifier, export_onnx, load, save

FOLDER = Path(__file__).parents[1] / "data" / "unsplit-1"
each_network = pytest.mark.parametrize("name", ["kimcnn", "han"])


def expected(name):
    saved = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return saved["texts"], saved["words"], saved["probabilities"]


def unpack(name, suffix, path):
    packed = (FOLDER / f"{name}.{suffix}.xz").read_bytes()
    path.write_bytes(lzma.decompress(packed))
    return path


def check(classifier, name):
    texts, _, probabilities = expected(name)
    found = classifier.predict_proba(texts)
    np.testing.assert_allclose(found, probabilities, atol=1e-5)


@each_network
def test_load_file_without_split_scripts(name, path):
    """The vocabulary has whole runs; so has a copy by saving or pickling."""
    loaded = load(unpack(name, "safetensors", path))
    texts, words, _ = expected(name)
    assert loaded.encoder_.words == words
    assert "这部电影很好看" in words
    check(loaded, name)
    check(pickle.loads(pickle.dumps(loaded)), name)
    save(loaded, path)
    check(load(path), name)
    export_onnx(loaded, path)
    check(OnnxClassifier(path), name)
    refitted = load(unpack(name, "safetensors", path)).fit(texts, list("abaab"))
    assert "好" in refitted.encoder_.words


@each_network
def test_open_onnx_file_without_split_scripts(name, path):
    check(OnnxClassifier(unpack(name, "onnx", path)), name)


@each_network
def test_new_file_splits_scripts(name, path):
    """A network fitted now splits scripts again after saving and exporting."""
    texts, *_ = expected(name)
    network = load(unpack(name, "safetensors", path)).fit(texts, list("abaab"))
    probabilities = network.predict_proba(texts)
    save(network, path)
    assert np.array_equal(load(path).predict_proba(texts), probabilities)
    export_onnx(network, path)
    found = OnnxClassifier(path).predict_proba(texts)
    np.testing.assert_allclose(found, probabilities, atol=1e-5)
