"""Tests of word embeddings in all networks over words."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import sktextconv
from sktextconv.networks.embedding import WordEmbedding

from ..classifiers import NETWORKS

WORD_NETWORKS = [name for name in NETWORKS if "tuning" in NETWORKS[name].get_params()]


@pytest.fixture(params=WORD_NETWORKS)
def network(request):
    return clone(NETWORKS[request.param])


def test_word_networks():
    """The tests below run on all five networks over words."""
    assert WORD_NETWORKS == ["wordcnn", "kimcnn", "rnn", "han", "dpcnn"]


def test_static_tuning_requires_vectors(network, corpus):
    """`tuning="static"` without `vectors` raises an error that says what to do."""
    with pytest.raises(ValueError, match=r"tuning='static' .* Pass vectors"):
        network.set_params(tuning="static").fit(*corpus)


def test_vectors_initialize_embedding(network, corpus):
    """Word vectors from a mapping are in the rows of their words."""
    given = {"good": np.arange(16.0) / 16, "xxzz": -np.arange(16.0) / 16}
    network.set_params(vectors=given, tuning="static", embedding_dim=16).fit(*corpus)
    encoder = network.encoder_
    first = encoder.n_tokens - len(encoder.words)
    for word, vector in given.items():
        row = network.net_.module_.embedding.weight[first + encoder.words.index(word)]
        np.testing.assert_array_equal(row, np.float32(vector))


def fitted_dim(network):
    return network.net_.module_.embedding.weight.shape[1]


def weights(network):
    return network.net_.module_.state_dict().values()


def write_vectors(path, dim):
    """Write vectors of two words of the corpus in GloVe's format."""
    numbers = " ".join(["0.5"] * dim)
    path.write_text(f"good {numbers}\nxxzz {numbers}\n")
    return path


def test_embedding_dim_default_takes_size_of_vectors(network, corpus, tmp_path):
    """Vectors of any size work without a further parameter."""
    default = type(network)().embedding_dim
    network.set_params(vectors=write_vectors(tmp_path / "v.txt", 7))
    network.set_params(embedding_dim=default, max_epochs=1).fit(*corpus)
    assert fitted_dim(network) == 7
    assert network.embedding_dim is None
    explicit = clone(network).set_params(embedding_dim=7).fit(*corpus)
    for ours, theirs in zip(weights(network), weights(explicit), strict=True):
        assert torch.equal(ours, theirs)


def test_embedding_dim_default_without_vectors(network, corpus):
    """Random vectors have the size of the paper, or of the class where it has none."""
    network.set_params(embedding_dim=None, max_epochs=1).fit(*corpus)
    sizes = {"HANClassifier": 200, "DPCNNClassifier": 250}
    size = sizes.get(type(network).__name__, 300)
    assert fitted_dim(network) == size
    explicit = clone(network).set_params(embedding_dim=size).fit(*corpus)
    for ours, theirs in zip(weights(network), weights(explicit), strict=True):
        assert torch.equal(ours, theirs)


def test_embedding_dim_that_disagrees_is_rejected(network, corpus, tmp_path):
    """An explicit size is not replaced by that of the vectors."""
    network.set_params(vectors=write_vectors(tmp_path / "v.txt", 7), embedding_dim=8)
    with pytest.raises(ValueError, match=r"size 8 .* got 7 .* set embedding_dim=7"):
        network.fit(*corpus)


def test_saved_models_hold_found_embedding_dim(network, corpus, tmp_path):
    """Files and pickles load, and train, after the file of vectors is gone."""
    path = write_vectors(tmp_path / "v.txt", 7)
    network.set_params(vectors=path, embedding_dim=None, max_epochs=1).fit(*corpus)
    path.unlink()
    texts, labels = corpus
    expected = network.predict_proba(texts)
    restored = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(restored.predict_proba(texts), expected)
    sktextconv.save(network, tmp_path / "model.safetensors")
    loaded = sktextconv.load(tmp_path / "model.safetensors")
    assert loaded.embedding_dim == 7
    np.testing.assert_array_equal(loaded.predict_proba(texts), expected)
    assert restored.embedding_dim is None
    assert fitted_dim(restored.set_params(warm_start=True).fit(texts, labels)) == 7


def test_onnx_holds_found_embedding_dim(corpus, tmp_path):
    """An exported model predicts after the file of vectors is gone."""
    path = write_vectors(tmp_path / "v.txt", 7)
    network = clone(NETWORKS["kimcnn"]).set_params(vectors=path, embedding_dim=None)
    expected = network.fit(*corpus).predict_proba(corpus[0])
    path.unlink()
    sktextconv.export_onnx(network, tmp_path / "model.onnx")
    onnx = sktextconv.OnnxClassifier(tmp_path / "model.onnx")
    np.testing.assert_allclose(onnx.predict_proba(corpus[0]), expected, atol=1e-5)


def test_warm_start_rejects_other_embedding_dim(network, corpus, tmp_path):
    """A warm start with another explicit size is an error, None is not."""
    path = write_vectors(tmp_path / "v.txt", 7)
    network.set_params(vectors=path, embedding_dim=None, warm_start=True)
    network.set_params(max_epochs=1).fit(*corpus).fit(*corpus)
    network.set_params(embedding_dim=8)
    with pytest.raises(ValueError, match="embedding_dim cannot change"):
        network.fit(*corpus)


def test_padding_vector_stays_zero(network, corpus):
    """Training leaves the vector of padding at zero."""
    network.set_params(learning_rate=0.1).fit(*corpus)
    assert not network.net_.module_.embedding.weight[0].any()


@pytest.mark.parametrize("static", [False, True])
def test_static_vectors_are_a_buffer(static):
    """Frozen vectors are a buffer, trained ones a parameter; both are in the state."""
    embedding = WordEmbedding(5, 3, static=static)
    assert isinstance(embedding.weight, nn.Parameter) is not static
    assert "weight" in embedding.state_dict()
    vectors = np.arange(15.0).reshape(5, 3)
    embedding.load(vectors)
    expected = torch.tensor(vectors, dtype=torch.float32)
    expected[0] = 0
    assert torch.equal(embedding(torch.arange(5)), expected)
