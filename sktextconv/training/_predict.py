"""Prediction of logits, and of the vectors that the output layer reads."""

import copy
import functools
import math

import numpy as np
import torch
from torch import nn

from ._data import EncodedDataset, single_batch
from ._device import autocast
from ._net import DivergedError

__all__ = ["predict_logits", "predict_vectors", "softmax"]


# Texts encoded at once, which bounds the memory of a prediction. Within them, texts of
# similar length share minibatches.
_CHUNK_SIZE = 2**14


def predict_logits(net, encoder, texts, *, batch_size):
    """Return the logits of texts, in their order, computed in inference mode.

    Parameters
    ----------
    net : TextNet
    encoder : fitted encoder
    texts : sequence of str, of length n_samples
    batch_size : int
        Texts in a forward pass.

    Returns
    -------
    logits : ndarray of float64 of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If the logits are not finite.
    """
    net._set_training(False)
    chunks = [
        _check_finite(_apply(net.infer, net, ragged, batch_size).double(), "logits")
        for ragged in _encode_chunks(encoder, texts)
    ]
    return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]


def predict_vectors(net, encoder, texts, *, batch_size):
    """Return the inputs of the output layer for texts, as `predict_logits` does.

    Returns
    -------
    vectors : ndarray of float32 of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        If the vectors are not finite.
    """
    net._set_training(False)
    network = _without_output_layer(net.module_)
    # `forward` itself, because a compiled network would call the whole one.
    infer = functools.partial(_call, network.forward, net.takes_lengths)
    chunks = [
        _check_finite(_apply(infer, net, ragged, batch_size), "vectors")
        for ragged in _encode_chunks(encoder, texts)
    ]
    return np.concatenate(chunks)


def _encode_chunks(encoder, texts):
    for start in range(0, len(texts), _CHUNK_SIZE):
        yield encoder._encode(texts[start : start + _CHUNK_SIZE])


def _apply(infer, net, ragged, batch_size):
    """Return the outputs of a function for encoded texts, a tensor of float32."""
    # One autocast context for all batches casts the weights to bfloat16 only once.
    with autocast(net.device, net.precision):
        if len(ragged) == 1:
            # Sorting and padding take longer than the embedding of a text.
            return infer(single_batch(ragged, net.device)).float().cpu()
        # Minibatches hold texts of similar length.
        dataset = EncodedDataset(ragged, net.device)
        order = dataset.by_length()
        outputs = [
            infer((dataset.ids(rows), dataset.lengths(rows))).float()
            for rows in order.split(batch_size)
        ]
        return torch.cat(outputs).cpu()[order.argsort()]


def _check_finite(outputs, name):
    """Return a tensor as an array; raise `ValueError` if it is not finite."""
    # A sum of float32 values in float64 cannot overflow. That of torch has no warning
    # for infinities of both signs, which add up to NaN.
    if not math.isfinite(outputs.sum(dtype=torch.float64)):
        raise DivergedError(
            f"Expected finite {name}, got NaN or infinity: the weights of the network "
            "have grown without bound in training. Fit it again with a lower "
            "learning_rate."
        )
    return outputs.numpy()


def _call(forward, takes_lengths, inputs):
    return forward(*inputs) if takes_lengths else forward(inputs[0])


def _without_output_layer(network):
    """Return a copy of a network whose last linear layer returns its input.

    The copy shares all weights. Other threads may use the network meanwhile.
    """
    *_, path = (
        name for name, each in network.named_modules() if isinstance(each, nn.Linear)
    )
    copied = module = copy.copy(network)
    for name in path.split("."):
        child = copy.copy(module._modules[name])
        module._modules = module._modules | {name: child}
        module = child
    module.forward = lambda inputs: inputs
    return copied


def softmax(logits):
    """Return the probabilities of logits, ndarrays of shape (n_samples, n_classes)."""
    # The operations of scipy's, without its support of other arrays, which takes
    # longer for a single text.
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
