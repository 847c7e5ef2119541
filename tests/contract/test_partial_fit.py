"""Incremental training: `partial_fit` and `warm_start`."""

import copy

import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

from ..classifiers import NETWORKS
from ..conftest import same_bits


@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
def test_partial_fit_is_one_pass(network, corpus):
    """`max_epochs` has no effect, and the history counts the calls."""
    network.set_params(max_epochs=9).partial_fit(*corpus, classes=["pos", "neg"])
    network.partial_fit(["", "@@"], ["pos", "neg"])
    assert [row["epoch"] for row in network.history_] == [1, 2]


def test_partial_fit_after_fit(network, corpus):
    """Training continues from the weights of `fit`."""
    texts, labels = corpus
    network.fit(texts, labels)
    # Parameters, not buffers: the means of a BatchNorm move at any learning rate.
    weights = dict(network.net_.module_.named_parameters())
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    network.set_params(learning_rate=1e-9).partial_fit(texts, labels)
    for name, weight in network.net_.module_.named_parameters():
        torch.testing.assert_close(weight.data, before[name], atol=1e-5, rtol=1e-3)


def test_partial_fit_with_invalid_classes(network, corpus):
    """Missing, single, changed and unseen classes raise `ValueError`."""
    texts, labels = corpus
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        network.partial_fit(texts, labels)
    with pytest.raises(ValueError, match="only one class"):
        network.partial_fit(texts, ["pos"] * len(texts), classes=["pos"])
    network.partial_fit(texts[:2], labels[:2], classes=["neg", "pos"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        network.partial_fit(texts, labels, classes=["neg", "other"])
    with pytest.raises(ValueError, match="`y` has classes not in"):
        network.partial_fit(texts[:2], ["pos", "new"])


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight 'balanced' is not supported"),
    ],
)
def test_partial_fit_with_unsupported_parameter(network, corpus, setting, sentence):
    """Parameters that need all data at once raise `ValueError`."""
    with pytest.raises(ValueError, match=sentence):
        network.set_params(**setting).partial_fit(*corpus, classes=["neg", "pos"])


def test_warm_start(network, corpus):
    """A second `fit` continues, and rejects other classes and another recipe."""
    texts, labels = corpus
    network.set_params(warm_start=True).fit(texts, labels)
    last = network.history_[-1]["train_loss"]
    network.fit(texts, labels)
    assert len(network.history_) == 4
    assert network.n_iter_ == 2
    assert network.history_[2]["train_loss"] < last + 0.05
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has"):
        network.fit(texts, ["a", "b"] * 12)
    with pytest.raises(ValueError, match="recipe cannot change"):
        network.set_params(recipe="paper").fit(texts, labels)


class Fail(Callback):
    """Callback that raises an error after the first step of a training."""

    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, **kwargs):
        raise self.error


@pytest.mark.parametrize(
    ("name", "method", "error"),
    [
        ("vdcnn", "partial_fit", ConnectionError),  # with batch normalization
        ("kimcnn", "partial_fit", KeyboardInterrupt),
        ("kimcnn", "fit", ConnectionError),
        ("kimcnn", "fit", KeyboardInterrupt),
    ],
)
def test_failed_training_leaves_no_trace(name, method, error, corpus):
    """A fitted model is unchanged, and so are the results of its next training."""
    network = clone(NETWORKS[name]).set_params(warm_start=True)
    if method == "fit":
        network.set_params(early_stopping=True, validation_fraction=0.25)
        network.fit(*corpus)
    else:
        network.partial_fit(*corpus, classes=["neg", "pos"])
    before = copy.deepcopy(network)
    network.set_params(callbacks=[Fail(error)])
    with pytest.raises(error):
        getattr(network, method)(*corpus)
    assert same_bits(network, before, corpus[0])
    for each in (network.set_params(callbacks=None), before):
        getattr(each, method)(*corpus)
    assert same_bits(network, before, corpus[0])
