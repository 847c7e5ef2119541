"""Tests of word embeddings in all networks over words."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sktextconv.networks.embedding import WordEmbedding

from ..classifiers import NETWORKS

WORD_NETWORKS = [name for name in NETWORKS if "tuning" in NETWORKS[name].get_params()]


@pytest.fixture(params=WORD_NETWORKS)
def network(request):
    return clone(NETWORKS[request.param])


def test_word_networks():
    """The tests below run on all four networks over words."""
    assert WORD_NETWORKS == ["wordcnn", "kimcnn", "rnn", "han"]


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
