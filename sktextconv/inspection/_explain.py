"""Which words of a text speak for a class, and how far to believe the answer."""

import copy
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..base import BaseTextNetClassifier
from ..encoding._char import CharEncoder
from ..encoding._document import SENTENCE_END
from ..encoding._ragged import PAD
from ..encoding._tokenize import word_spans
from ..training._data import EncodedDataset
from ..training._device import threads
from ._attribution import (
    Attribution,
    Span,
    check_classifier,
    find_code,
    log_odds,
    make_spans,
    occlude,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from ..persistence import OnnxClassifier

__all__ = ["explain", "methods_for"]

# Of the way from no text to the text, for integrated gradients.
_N_STEPS = 64


def explain(
    estimator: "BaseEstimator | OnnxClassifier",
    text: str,
    *,
    method: Literal["occlusion", "gradient", "attention"] = "occlusion",
    target: object = None,
) -> Attribution:
    """Weigh the words of a text by how they speak for a label.

    Parameters
    ----------
    estimator : fitted classifier
        Any classifier of texts: a network, a pipeline of scikit-learn, a search.
    text : str
        One text.
    method : {"occlusion", "gradient", "attention"}, default="occlusion"
        "occlusion": by how much the score falls when the word alone is blanked out.
        "gradient", for the networks: integrated gradients [1]_ of the score along the
        way from no word to the text, summed over a word. "attention", for
        `HANClassifier`: what it looks at, of a word times of its sentence, whatever
        the label.
    target : label, default=None
        The label to speak for. None is the one that is predicted.

    Returns
    -------
    attribution : Attribution
        A weight for each word, none for an empty text. "gradient" and "attention" have
        none for words that the network does not read, past its greatest length.

    Raises
    ------
    NotFittedError
        If the classifier is not fitted.
    TypeError
        If `text` is not a str, or `estimator` no classifier that can tell how sure it
        is.
    ValueError
        If the classifier does not know `target`, or `method` is not for it.

    See Also
    --------
    sktextconv.TextWeightsDisplay : The same as a picture, or in a notebook.

    Notes
    -----
    The score is the log-odds of the label against all others, in nats: of two classes
    `decision_function`, with the other sign for the first. Unlike a probability, it
    does not stop moving where the classifier is sure. Without a `decision_function` it
    is computed from `predict_proba`.

    A word is a run of letters and digits or one mark of punctuation, and is blanked out
    by as many spaces. That needs a prediction for each word, all in one call.
    "gradient" and "attention" take the words that the network reads; over characters,
    white space counts with the word before it. "gradient" starts from padding in the
    place of the text, and costs 64 forward and backward passes.

    Attention says where a network looks, not why it decides [2]_. Measure: see
    `Attribution.deletion_curve`.

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
    known = methods_for(estimator)
    if method not in known:
        raise ValueError(
            f"Expected method to be one of those for {type(estimator).__name__}, "
            f"{known}, got {method!r}. 'gradient' takes a network alone, not what it "
            "is wrapped in, and 'attention' a HANClassifier with pooling='attention'."
        )
    if target is None:
        target = estimator.predict([text])[0]
    code = find_code(estimator, target)
    label = estimator.classes_.tolist()[code]
    return _FINDERS[method](estimator, text, code, label)


def methods_for(estimator):
    """Return the names of the methods that can explain a classifier."""
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


class _Table(nn.Module):
    """An embedding with the given vectors, shape (n_ids, dim)."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = vectors

    def forward(self, ids):
        return F.embedding(ids, self.vectors)


def _integrate(estimator, text, code, label):
    encoder, net = estimator.encoder_, estimator.net_
    places = encoder.offsets(text)
    ids = EncodedDataset(encoder.encode([text]), net.device).ids(torch.tensor([0]))[0]
    is_read = torch.zeros_like(ids, dtype=torch.bool)  # of an empty text one padding
    is_read[: len(places)] = torch.tensor(places[:, 0] < places[:, 1])
    with threads(estimator.n_jobs):
        weights, score, baseline = _integrated_gradients(
            net.module_.eval(),
            ids,
            is_read & (ids != PAD),
            code,
            batch_size=estimator._batch_size(),
        )
    weights = weights[: len(places)]
    if isinstance(encoder, CharEncoder):
        spans = make_spans(*_sum_by_word(text, places, weights))
    else:
        is_word = places[:, 0] < places[:, 1]
        spans = make_spans(*_join(places[is_word], weights[is_word]))
    return Attribution(text, label, "gradient", spans, score, baseline)


def _integrated_gradients(network, ids, is_read, code, *, batch_size):
    """Integrate the gradient of a score from padding to a text.

    Parameters
    ----------
    network : nn.Module
        It looks ids up in its module `embedding`, and otherwise only compares them with
        `PAD` and `SENTENCE_END`.
    ids : tensor of int64 of shape (n,)
    is_read : tensor of bool of shape (n,)
        Those that stand for something to be weighed.
    code : int
        Class of the score.
    batch_size : int
        Steps in a forward pass.

    Returns
    -------
    weights : ndarray of float64 of shape (n,)
    score, baseline : float
        At the ends of the way: of the text, and of padding in its place.
    """
    points, masses = np.polynomial.legendre.leggauss(_N_STEPS)  # over [-1, 1]
    shares = torch.tensor([*(points + 1) / 2, 1.0, 0.0], dtype=torch.float32)
    masses = torch.tensor([*masses / 2, 0.0, 0.0], dtype=torch.float32)
    first = SENTENCE_END + 1  # ids below it mean the same as before
    scores, total = [], 0.0
    # On a GPU, cuDNN has no gradient of recurrent layers outside training. Leaving the
    # caller's inference mode turns gradients on.
    with torch.backends.cudnn.flags(enabled=False), torch.inference_mode(False):
        given = network.embedding(ids).detach()  # (n, dim)
        padding = network.embedding(ids.new_tensor([PAD])).detach()  # (1, dim)
        for rows in torch.arange(len(shares)).split(batch_size):
            share = shares[rows].to(given)[:, None, None]
            way = (padding + share * (given - padding)).requires_grad_()
            # Each step and place has an id of its own, so that it does not matter in
            # which order, or with what between, a network looks them up.
            numbers = first + torch.arange(len(rows) * len(ids), device=ids.device)
            table = torch.cat([padding.expand(first, -1), way.flatten(0, 1)])
            probe = copy.copy(network)  # the network itself may be at work elsewhere
            probe._modules = network._modules | {"embedding": _Table(table)}
            logits = probe.forward(numbers.view(len(rows), -1).where(is_read, ids))
            others = [each for each in range(logits.shape[1]) if each != code]
            score = logits[:, code] - logits[:, others].logsumexp(1)
            # Without any sentence, nothing of the text is looked up.
            (gradient,) = torch.autograd.grad(score.sum(), way, materialize_grads=True)
            mass = masses[rows].to(given)[:, None, None]
            total = total + (mass * gradient).sum(0)
            scores += score.tolist()
        weights = ((given - padding) * total).sum(1)
    # torch 2.8 takes a gradient that is materialized for one that needs a gradient.
    return weights.detach().double().cpu().numpy(), *scores[-2:]


def _sum_by_word(text, places, weights):
    """Sum the weights of characters, those between words with the word before them."""
    words = word_spans(text, lowercase=False)
    if not len(words):
        return words, weights[:0]
    starts = words[:, 0]
    word_of = np.searchsorted(starts, places[:, 0], side="right").clip(min=1) - 1
    read, word_of = np.unique(word_of, return_inverse=True)
    return words[read], np.bincount(word_of, weights, minlength=len(read))


def _join(places, weights):
    """Join words that share a character: of "İ" in lower case there are two."""
    starts, ends = places.T
    reached = np.maximum.accumulate(np.append(0, ends))[:-1]
    is_new = starts >= reached
    first, word_of = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    if not len(first):
        return places, weights
    ends = np.maximum.reduceat(ends, first)
    return np.stack([starts[first], ends], axis=1), np.bincount(word_of, weights)


# ---------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------


def _attend(estimator, text, code, label):
    (document,) = estimator.attention([text])
    spans = tuple(
        Span(word.start, word.end, sentence.weight * word.weight)
        for sentence in document.sentences
        for word in sentence.words
    )
    sentences = tuple(Span(s.start, s.end, s.weight) for s in document.sentences)
    score = float(log_odds(estimator, [text], code)[0])
    return Attribution(text, label, "attention", spans, score, None, sentences)


_FINDERS = {"occlusion": occlude, "gradient": _integrate, "attention": _attend}
