"""Explanation of predictions by occlusion, integrated gradients and attention."""

import dataclasses
import sys
import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..persistence._onnx_classifier import OnnxClassifier
from ._attribution import (
    Attribution,
    Span,
    check_classifier,
    class_index,
    log_odds,
    occlusion,
)
from ._known_words import describe_unknown_text

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = ["attribute", "available_methods", "explain"]


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

    Warns
    -----
    UserWarning
        If the classifier knows no word of the text, or no character.

    See Also
    --------
    sktextconv.TextWeightsDisplay : Draws the weights, also in a notebook.

    Notes
    -----
    The score is the log-odds of the label against all others, in nats. With two classes
    it is `decision_function`, negated for the first class. Unlike a probability, it
    does not saturate where the classifier is certain. Without `decision_function` it is
    computed from `predict_proba`.

    A word is a run of letters and digits, one punctuation mark, or one character of a
    script without spaces, such as Chinese. The words of a callable `tokenizer`, of a
    classifier of this package or of a vectorizer of it in a pipeline, are searched for
    in the text, in order, so that most of them are found; a word that is not found
    verbatim has no weight. Occlusion replaces a word with as many spaces, which takes
    one prediction per word, all in one call.
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
    with warnings.catch_warnings():
        # Predictions warn of unreadable texts; one warning, below, is enough.
        warnings.filterwarnings("ignore", ".* outside the alphabet", UserWarning)
        attribution = attribute(estimator, text, method=method, target=target)
    if sentence := describe_unknown_text(estimator, attribution):
        warnings.warn(sentence, UserWarning, stacklevel=2)
    return attribution


def attribute(estimator, text, *, method, target=None):
    """Compute the result of `explain`, without its warning."""
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
    attribution = _METHODS[method](estimator, text, index, label)
    if not hasattr(estimator, "predict_proba"):
        return attribution
    (row,) = np.asarray(estimator.predict_proba([text])).tolist()
    pairs = zip(estimator.classes_.tolist(), row, strict=True)
    return dataclasses.replace(attribution, probabilities=tuple(pairs))


def available_methods(estimator):
    """Return the names of the methods that support a classifier."""
    methods = ["occlusion"]
    if _is_network(estimator):
        network = estimator.net_.module_
        if hasattr(network, "embedding") and hasattr(estimator.encoder_, "offsets"):
            methods.append("gradient")
        if hasattr(estimator, "attention") and network.pooling == "attention":
            methods.append("attention")
    return methods


def _is_network(estimator):
    # An instance exists only if the module of its class was imported. Importing it here
    # would import torch, which linear models and ONNX files do not need.
    base = sys.modules.get("sktextconv.base")
    return base is not None and isinstance(estimator, base.BaseTextNetClassifier)


def _find_tokenizer(estimator):
    """Return the tokenizer of a classifier of this package: callable, name or None."""
    if isinstance(estimator, OnnxClassifier):
        return getattr(estimator._tokenizer, "tokenizer", None)
    steps = getattr(estimator, "steps", None)
    first = steps[0][1] if steps else estimator
    tokenizer = getattr(first, "tokenizer", None)
    if tokenizer is None or _is_network(first):
        return tokenizer
    from ..feature_extraction import (
        BagOfMeansVectorizer,
        HashedNGramVectorizer,
        NGramVectorizer,
    )
    from ..online import OnlineNGramClassifier

    vectorizers = (BagOfMeansVectorizer, HashedNGramVectorizer, NGramVectorizer)
    own = (*vectorizers, OnlineNGramClassifier)
    return tokenizer if isinstance(first, own) else None


def _occlusion(estimator, text, index, label):
    tokenizer = _find_tokenizer(estimator)
    return occlusion(estimator, text, index, label, tokenizer=tokenizer)


def _gradient(estimator, text, index, label):
    from ._integrated_gradients import integrated_gradients

    return integrated_gradients(estimator, text, index, label)


def _attention(estimator, text, index, label):
    """Return the attention weights of words and sentences."""
    (document,) = estimator.attention([text])
    spans = tuple(
        Span(word.start, word.end, sentence.weight * word.weight)
        for sentence in document.sentences
        for word in sentence.words
        if word.start < word.end
    )
    sentences = tuple(Span(s.start, s.end, s.weight) for s in document.sentences)
    score = float(log_odds(estimator, [text], index)[0])
    return Attribution(text, label, "attention", spans, score, None, sentences)


_METHODS = {
    "occlusion": _occlusion,
    "gradient": _gradient,
    "attention": _attention,
}
