"""Explanation of predictions by occlusion, integrated gradients and attention."""

import copy
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..base import BaseTextNetClassifier
from ..encoding._char import CharEncoder
from ..encoding._ragged import PAD, SENTENCE_END
from ..encoding._tokenize import word_spans
from ..training._data import EncodedDataset
from ..training._device import threads
from ._attribution import (
    Attribution,
    Span,
    check_classifier,
    class_index,
    log_odds,
    make_spans,
    occlude,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from ..persistence import OnnxClassifier

__all__ = ["available_methods", "explain"]

_N_STEPS = 64  # quadrature nodes of integrated gradients


def explain(
    estimator: "BaseEstimator | OnnxClassifier",
    text: str,
    *,
    method: Literal["occlusion", "gradient", "attention"] = "occlusion",
    target: object = None,
) -> Attribution:
    """Compute the contribution of each word of a text to a label.

    Parameters
    ----------
    estimator : fitted classifier
        Any text classifier: a network, a scikit-learn pipeline, a search.
    text : str
        One text.
    method : {"occlusion", "gradient", "attention"}, default="occlusion"
        "occlusion": the decrease in the score when the word is replaced with blanks.
        "gradient", for networks: integrated gradients [1]_ of the score along the path
        from no words to the text, summed over each word. "attention", for
        `HANClassifier`: the attention weight of the word times that of its sentence,
        the same for every label.
    target : label, default=None
        The label to explain; None takes the predicted one.

    Returns
    -------
    attribution : Attribution
        A weight for each word; an empty text has none. "gradient" and "attention" skip
        words beyond the maximum length of the network.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.
    TypeError
        If `text` is not a str, or `estimator` is not a classifier with
        `decision_function` or `predict_proba`.
    ValueError
        If `target` is not a class, or the classifier does not support `method`.

    See Also
    --------
    sktextconv.TextWeightsDisplay : Draws the weights, also in a notebook.

    Notes
    -----
    The score is the log-odds of the label against all others, in nats. With two classes
    it is `decision_function`, negated for the first class. Unlike a probability, it
    does not saturate where the classifier is certain. Without `decision_function` it is
    computed from `predict_proba`.

    A word is a run of letters and digits or one punctuation mark. Occlusion replaces it
    with as many spaces, which takes one prediction per word, all in one call.
    "gradient" and "attention" weight the words that the network reads; in a character
    network, white space counts toward the preceding word. The path of "gradient" starts
    from padding instead of the text, and takes 64 forward and backward passes.

    Attention shows where a network looks, not why it decides [2]_. To compare methods,
    see `Attribution.deletion_curve`.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic Attribution for Deep
       Networks", ICML 2017. https://arxiv.org/abs/1703.01365
    .. [2] S. Jain and B. C. Wallace, "Attention is not Explanation", NAACL 2019.
       https://aclanthology.org/N19-1357

    Examples
    --------
    >>> from sktextconv import explain, make_bow_classifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"]
    >>> classifier = make_bow_classifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> attribution = explain(classifier, "A fine film, but so long!")
    >>> attribution.label
    'pos'
    >>> [word for word, weight in zip(attribution.words, attribution.weights)
    ...  if weight < 0]
    ['long']
    """
    check_classifier(estimator, ["decision_function", "predict_proba"])
    if not isinstance(text, str):
        raise TypeError(
            f"Expected text to be a str, got {type(text).__name__}. Explain one text "
            "at a time."
        )
    supported = available_methods(estimator)
    if method not in supported:
        raise ValueError(
            f"Expected method to be one of those for {type(estimator).__name__}, "
            f"{supported}, got {method!r}. 'gradient' needs a network that is not "
            "wrapped in another estimator, 'attention' a HANClassifier with "
            "pooling='attention'."
        )
    if target is None:
        target = estimator.predict([text])[0]
    index = class_index(estimator, target)
    label = estimator.classes_.tolist()[index]
    return _METHODS[method](estimator, text, index, label)


def available_methods(estimator):
    """Return the names of the methods that support a classifier."""
    methods = ["occlusion"]
    if isinstance(estimator, BaseTextNetClassifier):
        network = estimator.net_.module_
        if hasattr(network, "embedding") and hasattr(estimator.encoder_, "offsets"):
            methods.append("gradient")
        if hasattr(estimator, "attention") and network.pooling == "attention":
            methods.append("attention")
    return methods


# ---------------------------------------------------------------------------
# Integrated gradients
# ---------------------------------------------------------------------------


class _EmbeddingTable(nn.Module):
    """Embedding with given vectors, shape (n_ids, dim), that may require gradients."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = vectors

    def forward(self, ids):
        return F.embedding(ids, self.vectors)


def _explain_by_gradient(estimator, text, index, label):
    """Return the integrated gradients of a text, summed over each word."""
    encoder, net = estimator.encoder_, estimator.net_
    offsets = encoder.offsets(text)
    ids = EncodedDataset(encoder.encode([text]), net.device).ids(torch.tensor([0]))[0]
    # An empty text has one padding id but no offsets.
    mask = torch.zeros_like(ids, dtype=torch.bool)
    mask[: len(offsets)] = torch.tensor(offsets[:, 0] < offsets[:, 1])
    with threads(estimator.n_jobs):
        weights, score, baseline = _integrated_gradients(
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


def _integrated_gradients(network, ids, mask, index, *, batch_size):
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
    # Leaving the caller's inference mode enables gradients.
    with torch.backends.cudnn.flags(enabled=False), torch.inference_mode(False):
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


# ---------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------


def _explain_by_attention(estimator, text, index, label):
    """Return the attention weights of words and sentences."""
    (document,) = estimator.attention([text])
    spans = tuple(
        Span(word.start, word.end, sentence.weight * word.weight)
        for sentence in document.sentences
        for word in sentence.words
    )
    sentences = tuple(Span(s.start, s.end, s.weight) for s in document.sentences)
    score = float(log_odds(estimator, [text], index)[0])
    return Attribution(text, label, "attention", spans, score, None, sentences)


_METHODS = {
    "occlusion": occlude,
    "gradient": _explain_by_gradient,
    "attention": _explain_by_attention,
}
