"""Word vectors as the input of a network, alike in all networks over words."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sktextconv.networks.embedding import WordEmbedding

from ..classifiers import NETWORKS

OVER_WORDS = [name for name in NETWORKS if "tuning" in NETWORKS[name].get_params()]


@pytest.fixture(params=OVER_WORDS)
def network(request):
    return clone(NETWORKS[request.param])


def test_networks_over_words_are_all_four():
    assert OVER_WORDS == ["wordcnn", "kimcnn", "rnn", "han"]


def test_vectors_that_stay_must_be_given(network, corpus):
    with pytest.raises(ValueError, match=r"tuning='static' .* Pass vectors"):
        network.set_params(tuning="static").fit(*corpus)


def test_given_vectors_are_where_training_starts(network, corpus):
    given = {"good": np.arange(16.0) / 16, "xxzz": -np.arange(16.0) / 16}
    network.set_params(vectors=given, tuning="static", embedding_dim=16).fit(*corpus)
    encoder = network.encoder_
    first = encoder.n_tokens - len(encoder.words)
    for word, vector in given.items():
        row = network.net_.module_.embedding.weight[first + encoder.words.index(word)]
        np.testing.assert_array_equal(row, np.float32(vector))


def test_padding_is_zero_after_any_training(network, corpus):
    network.set_params(learning_rate=0.1).fit(*corpus)
    assert not network.net_.module_.embedding.weight[0].any()


@pytest.mark.parametrize("static", [False, True])
def test_static_vectors_are_no_parameters_and_kept(static):
    embedding = WordEmbedding(5, 3, static=static)
    assert isinstance(embedding.weight, nn.Parameter) is not static
    assert "weight" in embedding.state_dict()
    vectors = np.arange(15.0).reshape(5, 3)
    embedding.load(vectors)
    expected = torch.tensor(vectors, dtype=torch.float32)
    expected[0] = 0
    assert torch.equal(embedding(torch.arange(5)), expected)
