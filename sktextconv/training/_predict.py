"""Prediction of logits."""

import math

import numpy as np
import torch

from ._data import EncodedDataset, single_batch
from ._device import autocast
from ._net import DivergedError

__all__ = ["predict_logits", "softmax"]


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
    chunks = [
        _predict_encoded(
            net, encoder._encode(texts[start : start + _CHUNK_SIZE]), batch_size
        )
        for start in range(0, len(texts), _CHUNK_SIZE)
    ]
    return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]


def _predict_encoded(net, ragged, batch_size):
    net._set_training(False)
    # One autocast context for all batches casts the weights to bfloat16 only once.
    with autocast(net.device, net.precision):
        if len(ragged) == 1:
            # Sorting and padding take longer than the embedding of a text.
            logits = net.infer(single_batch(ragged, net.device)).float().cpu()
        else:
            logits = _predict_sorted(net, ragged, batch_size)
    logits = logits.double().numpy()
    # A sum of float32 values in float64 cannot overflow.
    if not math.isfinite(logits.sum()):
        raise DivergedError(
            "Expected finite logits, got NaN or infinity: the weights of the network "
            "have grown without bound in training. Fit it again with a lower "
            "learning_rate."
        )
    return logits


def _predict_sorted(net, ragged, batch_size):
    """Return the logits of texts, from minibatches of texts of similar length."""
    dataset = EncodedDataset(ragged, net.device)
    order = dataset.by_length()
    logits = [
        net.infer((dataset.ids(rows), dataset.lengths(rows))).float()
        for rows in order.split(batch_size)
    ]
    return torch.cat(logits).cpu()[order.argsort()]


def softmax(logits):
    """Return the probabilities of logits, ndarrays of shape (n_samples, n_classes)."""
    # The operations of scipy's, without its support of other arrays, which takes
    # longer for a single text.
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
