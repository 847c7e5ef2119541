"""Devices: transfers, pickles between devices, CUDA and compilation."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from sktextconv import CharCNNClassifier, WordCNNClassifier
from sktextconv.training import _net
from sktextconv.training._data import EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import make_net
from sktextconv.training._windows import WindowTargets

from ..classifiers import NETWORKS
from ..conftest import same_bits

# -- synchronization ----------------------------------------------------------


class RecordCopies(TorchDispatchMode):
    """Mode that records for each copy between devices whether the host waits."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [each for each in pytree.tree_leaves(args) if torch.is_tensor(each)]
        # A scalar on the CPU is passed to the kernel by value.
        devices = {each.device for each in tensors if each.dim()}
        if func is torch.ops.aten._to_copy.default:
            if kwargs.get("device", args[0].device) != args[0].device:
                self.waits.append(not kwargs.get("non_blocking", False))
        elif len(devices) > 1:  # an index or a source on another device
            self.waits.append(True)
        return func(*args, **kwargs)


class ForbidTensorsFromHost(TorchFunctionMode):
    """Mode that fails if a tensor on a device is made from Python values."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor):
            assert torch.device(kwargs.get("device") or "cpu").type == "cpu"
        return func(*args, **kwargs)


def test_train_synchronizes_once_per_epoch(network, corpus, monkeypatch):
    """The host waits for the device at the end of an epoch and at no other time."""
    monkeypatch.setattr(_net, "_BATCHES_PER_SUM", 4)

    class Steps(Callback):
        def on_batch_end(self, net, **kwargs):
            done.append(net)

    if isinstance(network, (CharCNNClassifier, WordCNNClassifier)):
        network.set_params(max_length=501)  # long enough for texts to be packed
    network.fit(*corpus)
    texts = corpus[0][:9]  # losses are summed twice before the end
    labels = np.zeros(len(texts), dtype=int), np.ones(len(texts))
    # Tensors on "meta" have no values: an operation that reads one, and so would wait
    # for the device, raises an error.
    device = torch.device("meta")
    module, recipe = network.net_.module_, network._recipe()
    encoder, targets = network.encoder_, None
    if getattr(module, "windows", None) is not None:
        sizes = {"n_tokens": encoder.n_tokens, "n_classes": len(network.classes_)}
        targets = WindowTargets(
            encoder.encode(texts), *labels, **sizes, windows=module.windows
        )
    dataset = EncodedDataset(
        encoder.encode(texts),
        device,
        targets=labels[0],
        weights=labels[1],
        window_targets=targets,
    )
    net = make_net(module, recipe, device=device, precision="float32")
    done = []
    no_values = pytest.raises(NotImplementedError, match="no data")
    with ForbidTensorsFromHost(), RecordCopies() as copies, no_values:
        train(net, dataset, n_epochs=1, batch_size=1, callbacks=[Steps()])
    assert len(done) == len(texts)
    assert len(copies.waits) > 3 * len(texts)
    *during, at_the_end = copies.waits
    assert at_the_end
    assert not any(during)


# -- pickles ------------------------------------------------------------------


def test_pickle_holds_no_torch_object(fitted):
    data = pickle.dumps(fitted)
    assert b"torch" not in data
    assert b"skorch" not in data


def test_load_gpu_model_on_cpu(fitted, corpus):
    """The state of a model trained on an unavailable device loads on the CPU."""
    state = fitted.__getstate__()
    state["net_"] = state["net_"] | {"device": "cuda:7"}  # as pickled over there
    loaded = type(fitted).__new__(type(fitted))
    loaded.__setstate__(state)
    assert same_bits(loaded, fitted, corpus[0])


# -- CUDA ---------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_fit_without_cuda(network, corpus):
    """`set_params` accepts the device, and `fit` raises `ValueError`."""
    network.set_params(device="cuda")
    with pytest.raises(ValueError, match=r"The 'device' parameter .* Got 'cuda'"):
        network.fit(*corpus)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_model_agrees_on_cpu(network, corpus):
    """A model trained on CUDA and loaded on the CPU predicts the same within 1e-4."""
    network.set_params(device="cuda").fit(*corpus)
    state = network.__getstate__()
    state["net_"]["device"] = "cpu"
    loaded = type(network).__new__(type(network))
    loaded.__setstate__(state)
    np.testing.assert_allclose(
        loaded.predict_proba(corpus[0]), network.predict_proba(corpus[0]), atol=1e-4
    )


# -- compilation --------------------------------------------------------------


class HookEmbedding(Callback):
    """Callback that hooks the embedding, so that charcnn convolves as when compiled.

    Its faster convolution is used without hooks only and rounds in another order.
    Where gradients cancel, AdamW would turn their rounding errors into full steps.
    """

    def on_train_begin(self, net, **kwargs):
        net.module_.embedding.register_forward_hook(_hook)


def _hook(module, args, output):
    return None


# The eager backend runs the traced graph without generating code, which takes minutes.
# Where torch cannot trace, as in its recurrent layers, torch itself warns.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("name", ["charcnn", "rnn"])
def test_compiled_network_learns_same(name, corpus):
    """A compiled network and its pickle agree with the plain network."""
    texts, labels = corpus
    network = clone(NETWORKS[name])
    # A compiled network draws other masks.
    rates = {"dropout", "embedding_dropout"} & network.get_params().keys()
    network.set_params(**dict.fromkeys(rates, 0.0))
    if name == "charcnn":  # a compiled one does not pack texts, and normalizes padding
        network.set_params(batch_norm=False)
    plain = clone(network).set_params(callbacks=[HookEmbedding()])
    plain.fit(texts, labels)
    compiled = clone(network).set_params(compile="eager").fit(texts, labels)
    assert compiled.net_.module_._compiled_call_impl is not None
    expected = plain.predict_proba(texts)
    for each in (compiled, pickle.loads(pickle.dumps(compiled))):
        np.testing.assert_allclose(each.predict_proba(texts), expected, atol=1e-4)
        each.net_.module_.load_state_dict(plain.net_.module_.state_dict())
        np.testing.assert_allclose(each.predict_proba(texts), expected, atol=1e-6)


def test_compile_with_unknown_backend(corpus):
    network = clone(NETWORKS["rnn"]).set_params(compile="gcc")
    with pytest.raises(ValueError, match=r"'compile' parameter .* Got 'gcc' instead"):
        network.fit(*corpus)
