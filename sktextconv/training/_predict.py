"""Prediction of logits."""

import numpy as np
import torch

from ._data import EncodedDataset
from ._device import autocast
from ._net import DivergedError

__all__ = ["predict_logits"]


# Texts encoded at once, which bounds the memory of a prediction. Within them, texts of
# similar length share minibatches.
_CHUNK_SIZE = 2**14


def predict_logits(net, encoder, texts, *, batch_size):
    """Return the logits of texts, in their order.

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
    chunks = []
    for start in range(0, len(texts), _CHUNK_SIZE):
        ragged = encoder._encode(texts[start : start + _CHUNK_SIZE])
        chunks.append(_predict_encoded(net, ragged, batch_size))
    return np.concatenate(chunks)


def _predict_encoded(net, ragged, batch_size):
    dataset = EncodedDataset(ragged, net.device)
    order = dataset.by_length()
    net.module_.eval()
    # One autocast context for all batches casts the weights to bfloat16 only once.
    with torch.inference_mode(), autocast(net.device, net.precision):
        logits = [
            net.infer((dataset.ids(rows), dataset.lengths(rows))).float()
            for rows in order.split(batch_size)
        ]
        logits = torch.cat(logits).cpu()[order.argsort()].double().numpy()
    if not np.isfinite(logits).all():
        raise DivergedError(
            "Expected finite logits, got NaN or infinity: the weights of the network "
            "have grown without bound in training. Fit it again with a lower "
            "learning_rate."
        )
    return logits
