"""Conversion of fitted networks to ONNX graphs."""

import contextlib
import copy
import logging
import warnings

import torch
from torch import nn

from ..training._device import seeded
from ..training._torch_defaults import torch_defaults

__all__ = ["make_graph"]

# Index in torch of each gate, in the order of ONNX.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
_RECURRENT_SINCE = 14  # opset version that defines these layers

_DYNAMIC = torch.export.Dim.DYNAMIC


class _Probabilities(nn.Module):
    """Probabilities of a network that takes ids of shape (batch, length)."""

    inputs = ("ids",)

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, ids):  # (batch, length)
        return self.network(ids).double().softmax(1)  # (batch, n_classes)


class _SentenceProbabilities(_Probabilities):
    """Probabilities of a network that takes sentences and their texts.

    `words` has the ids of one sentence per row; `sentences` has the row numbers of each
    text, counted from 1 and padded with 0. Splitting a text inside the graph would cost
    as much for a short text as for the longest one.
    """

    inputs = ("words", "sentences")

    def forward(self, words, sentences):  # (n, length), (batch, n_sentences)
        vectors, _ = self.network._encode_sentences([(words, None)])
        documents, _ = self.network._encode_documents(vectors, sentences)
        return self.network.head(documents).double().softmax(1)  # (batch, n_classes)


class _RecurrentLayer(nn.Module):
    """Recurrent layer exported as one node; torch would unroll all steps."""

    def __init__(self, layer):
        super().__init__()
        self.kind = layer.mode.partition("_")[0]
        self.attributes = {"hidden_size": layer.hidden_size}
        if self.kind == "GRU":
            self.attributes["linear_before_reset"] = 1

        def reorder(weight):
            gates = weight.detach().split(layer.hidden_size)
            return torch.cat([gates[index] for index in _GATES[self.kind]])[None]

        self.register_buffer("of_inputs", reorder(layer.weight_ih_l0))
        self.register_buffer("of_steps", reorder(layer.weight_hh_l0))
        biases = [reorder(layer.bias_ih_l0), reorder(layer.bias_hh_l0)]
        self.register_buffer("biases", torch.cat(biases, 1))

    def forward(self, x):  # (batch, length, input_dim)
        n_texts, length, _ = x.shape
        outputs = torch.onnx.ops.symbolic(
            self.kind,
            (x.transpose(0, 1), self.of_inputs, self.of_steps, self.biases),
            self.attributes,
            dtype=x.dtype,
            shape=(length, 1, n_texts, self.attributes["hidden_size"]),
            version=_RECURRENT_SINCE,
        )
        return outputs.squeeze(1).transpose(0, 1), None  # (batch, length, hidden_dim)


@torch_defaults()
def make_graph(network):
    """Return a network as an `onnx.ModelProto`.

    Parameters
    ----------
    network : nn.Module
        It is not changed.

    Returns
    -------
    model : onnx.ModelProto
        Maps padded int64 ids of any batch size and length to float64 probabilities.
        Its inputs are "ids" of texts, or "words" of sentences and "sentences" of
        texts.
    """
    network = copy.deepcopy(network).cpu().eval()
    for module in list(network.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.RNNBase):
                setattr(module, name, _RecurrentLayer(layer))
    inputs = getattr(network, "export_inputs", _Probabilities.inputs)
    wrappers = {
        wrapper.inputs: wrapper for wrapper in (_Probabilities, _SentenceProbabilities)
    }
    model = wrappers[inputs](network).eval()
    # The exporter takes a length of 1 anywhere in the network for a constant.
    length = getattr(network, "export_length", 7)
    examples = tuple(
        torch.ones(5 - n, length - n).long() for n in range(len(model.inputs))
    )
    with _quiet(), seeded(0, torch.device("cpu")):
        program = torch.onnx.export(
            model,
            examples,
            dynamo=True,
            verbose=False,
            input_names=model.inputs,
            output_names=["probabilities"],
            dynamic_shapes=[{0: _DYNAMIC, 1: _DYNAMIC} for _ in examples],
        )
    proto = program.model_proto
    _remove_source_locations(proto)
    return proto


@contextlib.contextmanager
def _quiet():
    """Suppress log messages and warnings of the exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _remove_source_locations(proto):
    """Remove line numbers and paths of the source code on this machine."""
    graph = proto.graph
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for part in (proto, graph, *graph.node, *values):
        part.doc_string = ""
        del part.metadata_props[:]
