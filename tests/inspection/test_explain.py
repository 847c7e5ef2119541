"""Explanation by any method: words, labels, invalid arguments; attention weights."""

import re

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import HANClassifier, NGramVectorizer, explain, make_bow_classifier
from sktextconv.encoding._tokenize import TOKEN_PATTERN
from sktextconv.inspection import Attribution, Span

from ..classifiers import NETWORKS
from ..letter_classifier import LetterClassifier
from .conftest import LABELS, TEXT, TEXTS, WITH_GRADIENT

HOSTILE = 'e\u0301 x\ud83d\ude00 👩‍👩‍👧 good\x00 <b>"ß"\u2028 \udcff İfine שלום'

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)

METHODS = [
    (name, method)
    for name in NETWORKS
    for method in ("occlusion", "gradient", "attention")
    if method != "attention" or name == "han"
    if method != "gradient" or name in WITH_GRADIENT
]


def test_attention_matches_network(fitted):
    network = fitted("han")
    attribution = explain(network, TEXT, method="attention")
    (document,) = network.attention([TEXT])
    assert attribution.sentences == tuple(
        Span(s.start, s.end, s.weight) for s in document.sentences
    )
    assert attribution.spans == tuple(
        Span(w.start, w.end, s.weight * w.weight)
        for s in document.sentences
        for w in s.words
    )
    assert len(attribution.sentences) == 3
    assert attribution.weights.sum() == pytest.approx(1)
    assert attribution.label == network.predict([TEXT])[0]
    assert attribution.baseline is None


@pytest.mark.parametrize(("name", "method"), METHODS)
@pytest.mark.parametrize("text", ["", " \n "])
def test_empty_text_has_no_spans(fitted, name, method, text):
    attribution = explain(fitted(name), text, method=method)
    assert attribution.spans == attribution.sentences == ()
    assert np.isfinite(attribution.score)
    (probability,) = fitted(name).predict_proba([text]).max(axis=1)
    curve = attribution.deletion_curve(fitted(name))
    assert curve.probabilities.tolist() == [probability] == [curve.area]


@pytest.mark.filterwarnings("ignore:No (word|character) of the text is in")
@pytest.mark.parametrize(("name", "method"), METHODS)
@pytest.mark.parametrize("text", [HOSTILE, f"  \t{HOSTILE} \n", "\ud83d", "Aİ" * 3])
def test_spans_are_ordered_without_overlap(fitted, name, method, text):
    attribution = explain(fitted(name), text, method=method)
    offsets = [(span.start, span.end) for span in attribution.spans]
    flat = [offset for pair in offsets for offset in pair]
    assert flat == sorted(flat)
    assert all(start < end for start, end in offsets)
    assert all(word and not re.search(r"\s", word) for word in attribution.words)
    assert np.isfinite(attribution.weights).all()
    if method == "gradient" and name in ("rnn", "han"):
        difference = attribution.score - attribution.baseline
        assert attribution.weights.sum() == pytest.approx(difference, abs=1e-4)


@pytest.mark.filterwarnings("ignore:Pipeline gives the same score")
@given(text=ANY_TEXT)
def test_words_of_any_text(bow, text):
    attribution = explain(bow, text)
    assert attribution.words == re.findall(TOKEN_PATTERN, text)


@pytest.mark.parametrize("name", [name for name in WITH_GRADIENT if name != "han"])
def test_gradient_and_occlusion_have_same_words(fitted, name):
    gradient = explain(fitted(name), HOSTILE.replace("İ", "I"), method="gradient")
    occlusion = explain(fitted(name), HOSTILE.replace("İ", "I"))
    assert gradient.words == occlusion.words


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_weights_of_other_class_are_negated(fitted, method):
    network = fitted("kimcnn")
    one, other = (
        explain(network, TEXT, method=method, target=label) for label in ("pos", "neg")
    )
    np.testing.assert_allclose(one.weights, -other.weights, atol=1e-6)
    assert one.score == pytest.approx(-other.score)
    predicted = explain(network, TEXT, method=method)
    assert predicted.label == network.predict([TEXT])[0]
    assert predicted == (one if predicted.label == "pos" else other)


def test_target_types():
    numbers = LetterClassifier().fit(TEXTS, np.array([5, -2] * 12, dtype=np.int8))
    assert explain(numbers, TEXT, target=np.int64(5)).label == 5
    truths = LetterClassifier().fit(TEXTS, [True, False] * 12)
    assert explain(truths, TEXT, target=False).label is False


# -- invalid arguments ---------------------------------------------------------------


@pytest.mark.parametrize("method", ["occlusion", "gradient", "attention"])
@pytest.mark.parametrize("classifier", [HANClassifier(), make_bow_classifier()])
def test_unfitted_classifier(classifier, method):
    with pytest.raises(NotFittedError):
        explain(clone(classifier), "a text", method=method)


@pytest.mark.parametrize("text", [None, 3, b"text", ["text"], np.array(["text"])])
def test_text_is_not_a_str(bow, text):
    message = rf"Expected text to be a str, got {type(text).__name__}\. Explain one"
    with pytest.raises(TypeError, match=message):
        explain(bow, text)


def test_unsupported_method_lists_supported_ones(bow, fitted):
    with pytest.raises(ValueError, match=r"Pipeline, \['occlusion'\], got 'gradient'"):
        explain(bow, TEXT, method="gradient")
    message = r"KimCNNClassifier, \['occlusion', 'gradient'\], got 'attention'"
    with pytest.raises(ValueError, match=message):
        explain(fitted("kimcnn"), TEXT, method="attention")
    means = clone(NETWORKS["han"]).set_params(pooling="mean", max_epochs=1)
    with pytest.raises(ValueError, match=r"\['occlusion', 'gradient'\], got 'att"):
        explain(means.fit(TEXTS, LABELS), TEXT, method="attention")
    with pytest.raises(ValueError, match=r"'attention'\], got 'lime'"):
        explain(fitted("han"), TEXT, method="lime")


@pytest.mark.parametrize("target", ["fair", 1, None.__class__])
def test_unknown_target_lists_labels(bow, target):
    with pytest.raises(ValueError, match=r"labels of Pipeline, \['neg', 'pos'\], got"):
        explain(bow, TEXT, target=target)
    foreign = Attribution("a", target, "occlusion", (), 0.0)
    with pytest.raises(ValueError, match="one of the labels of Pipeline"):
        foreign.deletion_curve(bow)


@pytest.mark.parametrize("estimator", ["bow", LinearSVC, LinearRegression()])
def test_estimator_is_not_a_classifier(estimator):
    with pytest.raises(TypeError, match="Expected a fitted classifier of texts, got"):
        explain(estimator, TEXT)


def test_classifier_without_probabilities():
    hard = VotingClassifier([("bow", make_bow_classifier())]).fit(TEXTS, LABELS)
    with pytest.raises(TypeError, match="decision_function or predict_proba, got Voti"):
        explain(hard, TEXT)
    machine = make_pipeline(NGramVectorizer(), LinearSVC()).fit(TEXTS, LABELS)
    attribution = explain(machine, TEXT)
    with pytest.raises(TypeError, match="with predict_proba, got Pipeline"):
        attribution.deletion_curve(machine)


def test_multioutput_classifier():
    labels = np.array([LABELS, LABELS]).T
    several = MultiOutputClassifier(LetterClassifier()).fit(TEXTS, labels)
    with pytest.raises(ValueError, match="predicts one label per text, got Multi"):
        explain(several, TEXT)
