"""Tests of the gradients of embeddings: bits, zeros, hooks, release."""

import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch.nn import functional as F

from sktextconv.networks.embedding import WordEmbedding
from sktextconv.training._row_gradients import RowGradients

from ..classifiers import NETWORKS

WORD_NETWORKS = ["wordcnn", "kimcnn", "rnn", "han", "dpcnn"]


class ReadGradients(Callback):
    """Callback that records whether gradients are sparse."""

    def __init__(self):
        self.sparse = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.sparse += [p.grad.is_sparse for _, p in named_parameters]


class ChangeGradients(Callback):
    """Callback that adds to all rows of gradients, and records foreign rows in them."""

    def __init__(self):
        self.foreign = []

    def on_grad_computed(self, net, named_parameters, batch, **kwargs):
        gradient = dict(named_parameters)["embedding.weight"].grad
        (ids, *_), _ = batch
        rows = gradient.any(1).nonzero().flatten()
        self.foreign.append(sorted({*rows.tolist()} - {*ids.unique().tolist()}))
        gradient += 1.0


class FailAtEnd(Callback):
    """Callback that interrupts training with an error."""

    def on_batch_end(self, net, **kwargs):
        raise ArithmeticError


@pytest.fixture
def embedding():
    torch.manual_seed(0)
    return WordEmbedding(40, 5)


def fitted_weights(classifier, corpus):
    """Return the weights of a classifier after training."""
    return classifier.fit(*corpus).net_.module_.state_dict()


@pytest.mark.parametrize("name", WORD_NETWORKS)
def test_row_gradients_give_same_bits(name, corpus):
    """Training has the bits of dense gradients, which a callback gets to read."""
    reader = ReadGradients()
    dense = clone(NETWORKS[name]).set_params(callbacks=[reader])
    expected = fitted_weights(dense, corpus)
    assert reader.sparse
    assert not any(reader.sparse)
    found = fitted_weights(clone(NETWORKS[name]), corpus)
    for key, weight in expected.items():
        assert torch.equal(found[key], weight), key


@pytest.mark.parametrize("name", ["kimcnn", "rnn"])
def test_callback_may_change_gradients(name, corpus):
    """A gradient that a callback changes does not change that of the next minibatch."""
    changer = ChangeGradients()
    network = clone(NETWORKS[name]).set_params(callbacks=[changer], batch_size=2)
    network.fit(*corpus)
    assert len(changer.foreign) > 2
    assert not any(changer.foreign)


def test_row_gradients_with_two_threads():
    """Sums of many rows do not depend on the number of threads."""
    torch.manual_seed(0)
    embedding = WordEmbedding(500, 64)
    ids, factors = torch.randint(500, (8000,)), torch.randn(8000, 64)
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            gradients = RowGradients([embedding])
            (embedding(ids) * factors).sum().backward()
            gradients.collect()
            found.append(embedding.weight.grad)
            gradients.close()
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_row_gradients_of_two_channels(corpus):
    """A trained embedding beside a frozen one has the same bits."""
    words = ["good", "fine", "xxzz", "yyqq"]
    vectors = {word: [0.1 * number] * 16 for number, word in enumerate(words)}
    network = clone(NETWORKS["kimcnn"]).set_params(
        tuning="multichannel", vectors=vectors
    )
    found = fitted_weights(clone(network), corpus)
    expected = fitted_weights(network.set_params(callbacks=[ReadGradients()]), corpus)
    for key, weight in expected.items():
        assert torch.equal(found[key], weight), key


def test_row_gradients_sum_rows(embedding):
    """Gradients of a minibatch are those of torch; the rows before are zero again."""
    gradients = RowGradients([embedding])
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        batches = torch.randint(0, 40, (2, 3, 4), generator=generator)
        factors = torch.randn(2, 3, 4, 5, generator=generator)
        weight = embedding.weight.detach().clone().requires_grad_()
        dense = sum(
            (F.embedding(ids, weight, padding_idx=0) * factor).sum()
            for ids, factor in zip(batches, factors, strict=True)
        )
        dense.backward()
        gradients.clear()
        embedding.weight.grad = None
        for ids, factor in zip(batches, factors, strict=True):
            (embedding(ids) * factor).sum().backward()
        assert embedding.weight.grad.is_sparse
        gradients.collect()
        torch.testing.assert_close(embedding.weight.grad, weight.grad)
    found = embedding.weight.grad
    gradients.clear()
    assert not found.any()


def test_row_gradients_without_backward(embedding):
    """An embedding without gradient, or with a dense one, is left as it is."""
    gradients = RowGradients([embedding])
    gradients.collect()
    assert embedding.weight.grad is None
    embedding.weight.grad = torch.ones(40, 5)
    gradients.collect()
    gradients.clear()
    assert embedding.weight.grad.all()


def test_row_gradients_close(embedding):
    """At the end, gradients are those of torch again."""
    gradients = RowGradients([embedding])
    embedding(torch.tensor([3])).sum().backward()
    gradients.collect()
    gradients.close()
    assert embedding.weight.grad is None
    embedding(torch.tensor([3])).sum().backward()
    assert not embedding.weight.grad.is_sparse


def test_hook_of_embedding_gets_dense_gradient(embedding):
    """A hook of the weight gets a dense gradient, which it may change."""
    gradients = RowGradients([embedding])
    embedding.weight.register_hook(lambda gradient: gradient + 1)
    embedding(torch.tensor([3])).sum().backward()
    gradients.collect()
    assert embedding.weight.grad.unique().tolist() == [1, 2]


@pytest.mark.parametrize("callbacks", [None, [FailAtEnd()]])
def test_network_has_dense_gradients_after_training(callbacks, corpus):
    """Training, and an error in it, leave a module as torch has it, and no gradient."""
    network = clone(NETWORKS["kimcnn"]).fit(*corpus)
    network.set_params(callbacks=callbacks)
    if callbacks is None:
        network.partial_fit(*corpus)
    else:
        with pytest.raises(ArithmeticError):
            network.partial_fit(*corpus)
    module = network.net_.module_.train()
    assert module.embedding.weight.grad is None
    module(torch.tensor([[2, 3]])).sum().backward()
    assert not module.embedding.weight.grad.is_sparse
