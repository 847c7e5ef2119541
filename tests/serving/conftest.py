"""Fixtures of the tests of serving."""

import lzma

import pytest
from sklearn.base import clone

from sktextconv import make_bow_classifier, save
from sktextconv.serving import create_app

from ..classifiers import NETWORKS
from ..conftest import REPOSITORY
from .clients import LABELS, LIMIT, TEXTS, Client


@pytest.fixture(scope="module")
def bow():
    return make_bow_classifier().fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def client(bow):
    app = create_app(bow, max_characters=LIMIT, allowed_hosts=["*.films.example"])
    with Client(app) as client:
        yield client


@pytest.fixture(scope="module")
def han():
    network = clone(NETWORKS["han"]).set_params(max_epochs=8)
    return network.fit(
        ["So good. A fine film!", "Too long. What a bore."] * 8, [1, 0] * 8
    )


@pytest.fixture(scope="module")
def model(han, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "model.safetensors"
    save(han, path, examples=["So good! A film."])
    return path


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    """An ONNX file, of which a server starts fast."""
    pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    packed = REPOSITORY / "tests" / "data" / "onnx-1" / "rnn.onnx.xz"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path
