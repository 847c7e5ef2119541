"""How much the words of a text weigh: what that is, and by leaving words out."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..encoding._tokenize import word_spans
from ..persistence._onnx_classifier import OnnxClassifier

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = [
    "Attribution",
    "DeletionCurve",
    "Span",
    "check_classifier",
    "find_code",
    "log_odds",
    "make_spans",
    "occlude",
]

# Bounds the memory of the variants of a long text; the result does not depend on it.
_CHARACTERS_PER_CALL = 2**24


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

    @property
    def words(self) -> list[str]:
        """The words, as they stand in the text."""
        return [self.text[span.start : span.end] for span in self.spans]

    @property
    def weights(self) -> np.ndarray:
        """The weights of the words, an ndarray of shape (n_spans,)."""
        return np.array([span.weight for span in self.spans], dtype=np.float64)

    def deletion_curve(
        self, estimator: "BaseEstimator | OnnxClassifier"
    ) -> "DeletionCurve":
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
        check_classifier(estimator, ["predict_proba"])
        code = find_code(estimator, self.label)
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
    >>> from sktextconv.inspection import DeletionCurve
    >>> DeletionCurve(np.array([0.9, 0.5, 0.4])).area
    0.575
    """

    probabilities: np.ndarray

    @property
    def area(self) -> float:
        """Area under the curve over the share of words removed; lower is better."""
        n_words = len(self.probabilities) - 1
        if n_words == 0:
            return float(self.probabilities[0])
        return float(np.trapezoid(self.probabilities, dx=1 / n_words))


def check_classifier(estimator, able):
    """Raise unless `estimator` is a fitted classifier that has one of some methods."""
    if isinstance(estimator, OnnxClassifier):
        return
    from sklearn.base import BaseEstimator, is_classifier
    from sklearn.utils.validation import check_is_fitted

    name = type(estimator).__name__
    if not (isinstance(estimator, BaseEstimator) and is_classifier(estimator)):
        raise TypeError(f"Expected a fitted classifier of texts, got {name}.")
    check_is_fitted(estimator)
    if not any(hasattr(estimator, method) for method in able):
        raise TypeError(
            f"Expected a classifier with {' or '.join(able)}, got {name}, which has "
            "none. Wrap it in scikit-learn's CalibratedClassifierCV."
        )


def find_code(estimator, target):
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


def log_odds(estimator, texts, code):
    """Return the log-odds of a class against all others in each text."""
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(texts))
    else:
        # A probability of 0 counts as the smallest number above it.
        floor = np.finfo(np.float64).tiny
        values = np.log(np.maximum(estimator.predict_proba(texts), floor))
    if values.ndim == 1:
        values = np.stack([np.zeros_like(values), values], axis=1)
    others = np.logaddexp.reduce(np.delete(values, code, axis=1), axis=1)
    return values[:, code] - others


def _evaluate(score, variants, length):
    """Return `score` of the variants of a text, in as few calls as memory allows."""
    n_per_call = max(_CHARACTERS_PER_CALL // max(length, 1), 1)
    scores = []
    while texts := list(itertools.islice(variants, n_per_call)):
        scores.append(score(texts))
    return np.concatenate(scores)


def make_spans(places, weights):
    """Join places, shape (n, 2), with weights, shape (n,)."""
    places, weights = np.asarray(places).tolist(), np.asarray(weights).tolist()
    return tuple(Span(*place, w) for place, w in zip(places, weights, strict=True))


def occlude(estimator, text, code, label):
    """Weigh each word by how much the score of a class falls without it."""
    places = word_spans(text, lowercase=False)
    blanked = (
        # As long as the word: what stands around it neither touches nor moves.
        f"{text[:start]}{' ' * (end - start)}{text[end:]}"
        for start, end in places.tolist()
    )
    scores = _evaluate(
        lambda texts: log_odds(estimator, texts, code),
        itertools.chain([text], blanked),
        len(text),
    )
    spans = make_spans(places, scores[0] - scores[1:])
    return Attribution(text, label, "occlusion", spans, float(scores[0]))
