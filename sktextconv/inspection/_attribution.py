"""Weights of the words of a text, and their computation by occlusion."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..encoding._tokenize import word_spans
from ..persistence._onnx_classifier import OnnxClassifier
from ._html import to_html

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = [
    "Attribution",
    "DeletionCurve",
    "Span",
    "check_classifier",
    "class_index",
    "log_odds",
    "make_spans",
    "occlusion",
]

# Bounds the memory of the variants of a long text; the result does not depend on it.
_CHARACTERS_PER_CALL = 2**24


@dataclass(frozen=True)
class Span:
    """Part of a text and its weight.

    Attributes
    ----------
    start, end : int
        Offsets of its characters in the text: ``text[start:end]``.
    weight : float
        Contribution to the label, or attention weight.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Attribution:
    """Contribution of each word of a text to a label, as returned by `explain`.

    Parameters
    ----------
    text : str
        The unchanged text.
    label : object
        The explained label.
    method : {"occlusion", "gradient", "attention"}
        Method that computed the weights.
    spans : tuple of Span
        Words in order, without overlap. A positive weight supports the label, a
        negative one opposes it.
    score : float
        Log-odds of the label against all others.
    baseline : float or None, default=None
        For "gradient", the score without any word: the weights sum to ``score -
        baseline``.
    sentences : tuple of Span, default=()
        For "attention", the sentences with their weights.
    probabilities : tuple of (label, float), default=()
        Each class with its probability; empty if the classifier has none.

    See Also
    --------
    explain : Computes attributions.
    sktextconv.TextWeightsDisplay : Draws them.

    Notes
    -----
    Notebooks show the label, the probabilities and the text with highlighted words.

    Examples
    --------
    >>> from sktextconv import Attribution
    >>> from sktextconv.inspection import Span
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
    probabilities: tuple[tuple[object, float], ...] = ()

    def _repr_html_(self):
        return to_html(self)

    @property
    def words(self) -> list[str]:
        """Words as spelled in the text, a list of str."""
        return [self.text[span.start : span.end] for span in self.spans]

    @property
    def weights(self) -> np.ndarray:
        """Weights of the words, an ndarray of float64 of shape (n_spans,)."""
        return np.array([span.weight for span in self.spans], dtype=np.float64)

    def deletion_curve(
        self, estimator: "BaseEstimator | OnnxClassifier"
    ) -> "DeletionCurve":
        """Remove the words one by one, in order of decreasing weight.

        If the weights describe the classifier well, the probability of the label drops
        early. The curve compares methods on one text and classifier; it does not
        compare texts or classifiers.

        Parameters
        ----------
        estimator : fitted classifier
            The explained classifier; it needs `predict_proba`.

        Returns
        -------
        curve : DeletionCurve

        Raises
        ------
        TypeError
            If the classifier has no `predict_proba`.
        ValueError
            If the label is not a class of the classifier.
        """
        check_classifier(estimator, ["predict_proba"])
        index = class_index(estimator, self.label)
        order = np.argsort(-self.weights, kind="stable")

        def variants():
            characters = list(self.text)
            yield self.text
            for word in order:
                start, end = self.spans[word].start, self.spans[word].end
                characters[start:end] = " " * (end - start)
                yield "".join(characters)

        def probabilities(texts):
            return np.asarray(estimator.predict_proba(texts))[:, index]

        return DeletionCurve(_score_variants(probabilities, variants(), len(self.text)))


@dataclass(frozen=True, eq=False)
class DeletionCurve:
    """Probability of a label while words are removed from a text.

    Attributes
    ----------
    probabilities : ndarray of float64 of shape (n_words + 1,)
        The first is that of the whole text; each further one has one word less.

    Examples
    --------
    >>> import numpy as np
    >>> from sktextconv.inspection import DeletionCurve
    >>> DeletionCurve(np.array([0.9, 0.5, 0.4])).area
    0.575
    """

    probabilities: np.ndarray

    @property
    def area(self) -> float:
        """Area under the curve over the fraction of words removed; lower is better."""
        n_words = len(self.probabilities) - 1
        if n_words == 0:
            return float(self.probabilities[0])
        return float(np.trapezoid(self.probabilities, dx=1 / n_words))


def check_classifier(estimator, methods):
    """Raise unless `estimator` is a fitted classifier with one of some methods."""
    if isinstance(estimator, OnnxClassifier):
        return
    from sklearn.base import BaseEstimator, is_classifier
    from sklearn.utils.validation import check_is_fitted

    name = type(estimator).__name__
    if not (isinstance(estimator, BaseEstimator) and is_classifier(estimator)):
        raise TypeError(f"Expected a fitted classifier of texts, got {name}.")
    check_is_fitted(estimator)
    if not any(hasattr(estimator, method) for method in methods):
        raise TypeError(
            f"Expected a classifier with {' or '.join(methods)}, got {name}, which has "
            "none. Wrap it in scikit-learn's CalibratedClassifierCV."
        )


def class_index(estimator, label):
    """Return the index of a label in `classes_`, or raise `ValueError`."""
    labels = estimator.classes_
    if isinstance(labels, list) or np.ndim(label):
        raise ValueError(
            "Expected a classifier that predicts one label per text, got "
            f"{type(estimator).__name__} with label {label!r}. Explain one of its "
            "inner classifiers, such as estimators_[0]."
        )
    labels = labels.tolist()
    if label not in labels:
        raise ValueError(
            f"Expected one of the labels of {type(estimator).__name__}, {labels}, got "
            f"{label!r}."
        )
    return labels.index(label)


def log_odds(estimator, texts, index):
    """Return the log-odds of a class against all others, shape (n_texts,)."""
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(texts))
    else:
        # Clip probabilities of 0 to the smallest positive number.
        floor = np.finfo(np.float64).tiny
        values = np.log(np.maximum(estimator.predict_proba(texts), floor))
    if values.ndim == 1:
        values = np.stack([np.zeros_like(values), values], axis=1)
    others = np.logaddexp.reduce(np.delete(values, index, axis=1), axis=1)
    return values[:, index] - others


def _score_variants(score, variants, length):
    """Apply `score` to the variants of a text, in as few calls as memory allows."""
    n_per_call = max(_CHARACTERS_PER_CALL // max(length, 1), 1)
    scores = []
    while texts := list(itertools.islice(variants, n_per_call)):
        scores.append(score(texts))
    return np.concatenate(scores)


def make_spans(offsets, weights):
    """Return spans from offsets, shape (n, 2), and weights, shape (n,)."""
    offsets, weights = np.asarray(offsets).tolist(), np.asarray(weights).tolist()
    return tuple(Span(*offset, w) for offset, w in zip(offsets, weights, strict=True))


def occlusion(estimator, text, index, label, *, tokenizer=None):
    """Weight each word by the decrease in the score of a class without it."""
    offsets = word_spans(text, lowercase=False, tokenizer=tokenizer)
    offsets = offsets[offsets[:, 0] < offsets[:, 1]]
    blanked = (
        # Blanks of the same length keep the words around them apart and in place.
        f"{text[:start]}{' ' * (end - start)}{text[end:]}"
        for start, end in offsets.tolist()
    )
    scores = _score_variants(
        lambda texts: log_odds(estimator, texts, index),
        itertools.chain([text], blanked),
        len(text),
    )
    spans = make_spans(offsets, scores[0] - scores[1:])
    return Attribution(text, label, "occlusion", spans, float(scores[0]))
