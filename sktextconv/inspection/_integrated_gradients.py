"""Attribution by integrated gradients (Sundararajan, Taly & Yan, 2017)."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..encoding._char import CharEncoder
from ..encoding._document import DocumentEncoder
from ..encoding._ragged import PAD, SENTENCE_END
from ..encoding._tokenize import word_spans
from ..training._data import EncodedDataset
from ..training._torch_defaults import torch_defaults
from ._attribution import Attribution, make_spans

__all__ = ["integrated_gradients"]

_N_STEPS = 64  # quadrature nodes


class _EmbeddingTable(nn.Module):
    """Embedding with given vectors, shape (n_ids, dim), that may require gradients."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = vectors

    def forward(self, ids):
        return F.embedding(ids, self.vectors)


def integrated_gradients(estimator, text, index, label):
    """Return the integrated gradients of a text, summed over each word."""
    encoder, net = estimator.encoder_, estimator.net_
    offsets = encoder.offsets(text)
    encoded = encoder.encode([text])
    with torch_defaults(estimator.n_jobs):
        ids = EncodedDataset(encoded, net.device).ids(torch.tensor([0]))[0]
        # An empty text has one padding id but no offsets.
        mask = torch.arange(len(ids), device=ids.device) < len(offsets)
        if isinstance(encoder, DocumentEncoder):
            mask &= ids != SENTENCE_END
        weights, score, baseline = _integrate(
            net.module_.eval(),
            ids,
            mask & (ids != PAD),
            index,
            batch_size=estimator._batch_size(),
        )
    weights = weights[: len(offsets)]
    if isinstance(encoder, CharEncoder):
        spans = make_spans(*_sum_by_word(text, offsets, weights))
    else:
        is_word = offsets[:, 0] < offsets[:, 1]
        spans = make_spans(*_merge_overlapping(offsets[is_word], weights[is_word]))
    return Attribution(text, label, "gradient", spans, score, baseline)


def _integrate(network, ids, mask, index, *, batch_size):
    """Integrate the gradient of a score along the path from padding to a text.

    Parameters
    ----------
    network : nn.Module
        It looks ids up in its module `embedding`, and otherwise only compares them with
        `PAD` and `SENTENCE_END`.
    ids : tensor of int64 of shape (n,)
    mask : tensor of bool of shape (n,)
        True for ids of words or characters, which get a weight.
    index : int
        Index of the class.
    batch_size : int
        Steps of the path in one forward pass.

    Returns
    -------
    weights : ndarray of float64 of shape (n,)
    score, baseline : float
        Score of the text, and of padding instead of the text.
    """
    # Gauss-Legendre quadrature over [-1, 1], mapped to [0, 1]. The end points have
    # weight 0: they give the scores of the text and of the baseline.
    nodes, node_weights = np.polynomial.legendre.leggauss(_N_STEPS)
    alphas = torch.tensor([*(nodes + 1) / 2, 1.0, 0.0], dtype=torch.float32)
    node_weights = torch.tensor([*node_weights / 2, 0.0, 0.0], dtype=torch.float32)
    # Ids below `first` keep their meaning.
    first = SENTENCE_END + 1
    scores, total = [], 0.0
    # On a GPU, cuDNN computes gradients of recurrent layers in training mode only.
    with torch.backends.cudnn.flags(enabled=False):
        embedded = network.embedding(ids).detach()  # (n, dim)
        padding = network.embedding(ids.new_tensor([PAD])).detach()  # (1, dim)
        for steps in torch.arange(len(alphas)).split(batch_size):
            alpha = alphas[steps].to(embedded)[:, None, None]
            path = (padding + alpha * (embedded - padding)).requires_grad_()
            # Each step and position has its own id, so the network may look the ids up
            # in any order and grouping.
            path_ids = first + torch.arange(len(steps) * len(ids), device=ids.device)
            table = torch.cat([padding.expand(first, -1), path.flatten(0, 1)])
            # Replace the embedding in a copy: other threads may use the network.
            probe = copy.copy(network)
            probe._modules = network._modules | {"embedding": _EmbeddingTable(table)}
            logits = probe.forward(path_ids.view(len(steps), -1).where(mask, ids))
            others = [other for other in range(logits.shape[1]) if other != index]
            score = logits[:, index] - logits[:, others].logsumexp(1)
            # A text without any sentence has no lookups and hence no gradient: zeros.
            (gradient,) = torch.autograd.grad(score.sum(), path, materialize_grads=True)
            weight = node_weights[steps].to(embedded)[:, None, None]
            total = total + (weight * gradient).sum(0)
            scores += score.tolist()
        weights = ((embedded - padding) * total).sum(1)
    # In torch 2.8, a materialized gradient requires grad itself.
    return weights.detach().double().cpu().numpy(), *scores[-2:]


def _sum_by_word(text, offsets, weights):
    """Sum the weights of characters over words and the white space after them."""
    words = word_spans(text, lowercase=False)
    if not len(words):
        return words, weights[:0]
    starts = words[:, 0]
    word_of = np.searchsorted(starts, offsets[:, 0], side="right").clip(min=1) - 1
    read, word_of = np.unique(word_of, return_inverse=True)
    return words[read], np.bincount(word_of, weights, minlength=len(read))


def _merge_overlapping(offsets, weights):
    """Merge words that share a character: lowercase "İ" is split into two words."""
    starts, ends = offsets.T
    reached = np.maximum.accumulate(np.append(0, ends))[:-1]
    is_new = starts >= reached
    first, word_of = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    if not len(first):
        return offsets, weights
    ends = np.maximum.reduceat(ends, first)
    return np.stack([starts[first], ends], axis=1), np.bincount(word_of, weights)
