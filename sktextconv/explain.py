"""Which words of a text speak for a class, and how far to believe the answer."""

import copy
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from .base import BaseTextNetClassifier
from .batches import EncodedTexts
from .documents import SENTENCE_END
from .encoding import PAD, CharEncoder
from .networks import HANClassifier
from .training import threads
from .words import word_spans

__all__ = ["Attribution", "DeletionCurve", "Span", "explain"]

# Bounds the memory of the variants of a long text; the result does not depend on it.
_CHARACTERS_PER_CALL = 2**24

# Of the way from no text to the text, for integrated gradients.
_N_STEPS = 64


@dataclass(frozen=True)
class Span:
    """How much a part of a text weighs.

    Attributes
    ----------
    start, end : int
        Its characters in the text: ``text[start:end]``.
    weight : float
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Attribution:
    """Which words of a text speak for a label, as `explain` returns it.

    Parameters
    ----------
    text : str
        The text, as it came.
    label : object
        The label that is explained.
    method : {"occlusion", "gradient", "attention"}
        How the weights were found.
    spans : tuple of Span
        Words that do not overlap, in order. A positive weight speaks for the label, a
        negative one against it.
    score : float
        Log-odds of the label against all others.
    baseline : float or None, default=None
        For "gradient", the score without any word: the weights sum to ``score -
        baseline``.
    sentences : tuple of Span, default=()
        For "attention", the sentences and how much each weighs.

    See Also
    --------
    explain : Makes them.
    sktextconv.TextWeightsDisplay : Draws them.

    Examples
    --------
    >>> from sktextconv import Attribution
    >>> from sktextconv.explain import Span
    >>> spans = Span(0, 2, 0.5), Span(3, 7, 2.0)
    >>> attribution = Attribution("so good", "pos", "occlusion", spans, score=3.0)
    >>> attribution.words
    ['so', 'good']
    >>> attribution.weights
    array([0.5, 2. ])
    """

    text: str
    label: object
    method: str
    spans: tuple[Span, ...]
    score: float
    baseline: float | None = None
    sentences: tuple[Span, ...] = ()

    @property
    def words(self):
        """The words, as they stand in the text."""
        return [self.text[span.start : span.end] for span in self.spans]

    @property
    def weights(self):
        """The weights of the words, an ndarray of shape (n_spans,)."""
        return np.array([span.weight for span in self.spans], dtype=np.float64)

    def deletion_curve(self, estimator):
        """Remove word after word, those of the largest weight first.

        Where the weights are right about the classifier, the probability of the label
        falls early. This compares methods on one text and classifier; it compares
        neither texts nor classifiers.

        Parameters
        ----------
        estimator : fitted classifier
            The one that was explained; it needs `predict_proba`.

        Returns
        -------
        curve : DeletionCurve

        Raises
        ------
        TypeError
            If the classifier has no `predict_proba`.
        ValueError
            If it does not know the label.
        """
        _check_classifier(estimator, ["predict_proba"])
        code = _find_code(estimator, self.label)
        order = np.argsort(-self.weights, kind="stable")

        def variants():
            characters = list(self.text)
            yield self.text
            for index in order:
                start, end = self.spans[index].start, self.spans[index].end
                characters[start:end] = " " * (end - start)
                yield "".join(characters)

        def probabilities(texts):
            return np.asarray(estimator.predict_proba(texts))[:, code]

        return DeletionCurve(_evaluate(probabilities, variants(), len(self.text)))


@dataclass(frozen=True, eq=False)
class DeletionCurve:
    """The probability of a label while words are removed from a text.

    Attributes
    ----------
    probabilities : ndarray of float64 of shape (n_words + 1,)
        Of the whole text, then with one word less each time, to none.

    Examples
    --------
    >>> import numpy as np
    >>> from sktextconv.explain import DeletionCurve
    >>> DeletionCurve(np.array([0.9, 0.5, 0.4])).area
    0.575
    """

    probabilities: np.ndarray

    @property
    def area(self):
        """Area under the curve over the share of words removed; lower is better."""
        n_words = len(self.probabilities) - 1
        if n_words == 0:
            return float(self.probabilities[0])
        return float(np.trapezoid(self.probabilities, dx=1 / n_words))


def explain(estimator, text, *, method="occlusion", target=None):
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
    _check_classifier(estimator, ["decision_function", "predict_proba"])
    if not isinstance(text, str):
        raise TypeError(
            f"Expected text to be a str, got {type(text).__name__}. Explain one text "
            "at a time."
        )
    known = _methods(estimator)
    if method not in known:
        raise ValueError(
            f"Expected method to be one of those for {type(estimator).__name__}, "
            f"{known}, got {method!r}. 'gradient' takes a network alone, not what it "
            "is wrapped in, and 'attention' a HANClassifier with pooling='attention'."
        )
    if target is None:
        target = estimator.predict([text])[0]
    code = _find_code(estimator, target)
    label = estimator.classes_.tolist()[code]
    return _FINDERS[method](estimator, text, code, label)


def _check_classifier(estimator, able):
    """Raise unless `estimator` is a fitted classifier that has one of some methods."""
    name = type(estimator).__name__
    if not (isinstance(estimator, BaseEstimator) and is_classifier(estimator)):
        raise TypeError(f"Expected a fitted classifier of texts, got {name}.")
    check_is_fitted(estimator)
    if not any(hasattr(estimator, method) for method in able):
        raise TypeError(
            f"Expected a classifier with {' or '.join(able)}, got {name}, which has "
            "none. Wrap it in scikit-learn's CalibratedClassifierCV."
        )


def _methods(estimator):
    methods = ["occlusion"]
    if isinstance(estimator, BaseTextNetClassifier):
        network = estimator.net_.module_
        if hasattr(network, "embedding") and hasattr(estimator.encoder_, "places"):
            methods.append("gradient")
        if isinstance(estimator, HANClassifier) and network.pooling == "attention":
            methods.append("attention")
    return methods


def _find_code(estimator, target):
    """Return the place of a label among the classes."""
    labels = estimator.classes_
    if isinstance(labels, list) or np.ndim(target):
        raise ValueError(
            "Expected a classifier that gives each text one label, got "
            f"{type(estimator).__name__} with labels {target!r}. Explain one of those "
            "that it is made of, such as estimators_[0]."
        )
    labels = labels.tolist()
    if target not in labels:
        raise ValueError(
            f"Expected one of the labels of {type(estimator).__name__}, {labels}, got "
            f"{target!r}."
        )
    return labels.index(target)


def _score(estimator, texts, code):
    """Return the log-odds of a class against all others in each text."""
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(texts))
    else:
        # A probability of 0 counts as the smallest number above it.
        floor = np.finfo(np.float64).tiny
        values = np.log(np.maximum(estimator.predict_proba(texts), floor))
    if values.ndim == 1:
        values = np.stack([np.zeros_like(values), values], axis=1)
    return values[:, code] - logsumexp(np.delete(values, code, axis=1), axis=1)


def _evaluate(score, variants, length):
    """Return `score` of the variants of a text, in as few calls as memory allows."""
    n_per_call = max(_CHARACTERS_PER_CALL // max(length, 1), 1)
    scores = []
    while texts := list(itertools.islice(variants, n_per_call)):
        scores.append(score(texts))
    return np.concatenate(scores)


def _make_spans(places, weights):
    places, weights = np.asarray(places).tolist(), np.asarray(weights).tolist()
    return tuple(Span(*place, w) for place, w in zip(places, weights, strict=True))


# ---------------------------------------------------------------------------
# Occlusion
# ---------------------------------------------------------------------------


def _occlude(estimator, text, code, label):
    places = word_spans(text, lowercase=False)
    blanked = (
        # As long as the word: what stands around it neither touches nor moves.
        f"{text[:start]}{' ' * (end - start)}{text[end:]}"
        for start, end in places.tolist()
    )
    scores = _evaluate(
        lambda texts: _score(estimator, texts, code),
        itertools.chain([text], blanked),
        len(text),
    )
    spans = _make_spans(places, scores[0] - scores[1:])
    return Attribution(text, label, "occlusion", spans, float(scores[0]))


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
    places = encoder.places(text)
    ids = EncodedTexts(encoder.encode([text]), net.device).ids(torch.tensor([0]))[0]
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
        spans = _make_spans(*_sum_by_word(text, places, weights))
    else:
        is_word = places[:, 0] < places[:, 1]
        spans = _make_spans(*_join(places[is_word], weights[is_word]))
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
    return weights.double().cpu().numpy(), *scores[-2:]


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
    score = float(_score(estimator, [text], code)[0])
    return Attribution(text, label, "attention", spans, score, None, sentences)


_FINDERS = {"occlusion": _occlude, "gradient": _integrate, "attention": _attend}
