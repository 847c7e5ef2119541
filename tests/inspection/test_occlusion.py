"""Occlusion: weights are changes of the score."""

import re

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import (
    NGramVectorizer,
    explain,
    make_bow_classifier,
    make_ngram_classifier,
)
from sktextconv.encoding._tokenize import TOKEN_PATTERN
from sktextconv.inspection import _attribution

from ..letter_classifier import LetterClassifier
from .conftest import LABELS, TEXT, TEXTS


def features_of_words(pipeline, words):
    """Return the features of one occurrence of each word, and the linear model."""
    vectorizer, scaler, linear = (step for _, step in pipeline.steps)
    factors = scaler.idf_ / scaler.largest_
    counts = np.zeros((len(words), len(factors)))
    for row, word in enumerate(words):
        if word.lower() in vectorizer.vocabulary_:
            counts[row, vectorizer.vocabulary_[word.lower()]] = 1
    return counts * factors, linear


@pytest.mark.parametrize(("target", "sign"), [("pos", 1), ("neg", -1)])
def test_occlusion_two_classes(bow, target, sign):
    """The weight of a word is its contribution to the decision of a linear model."""
    attribution = explain(bow, TEXT, target=target)
    features, linear = features_of_words(bow, attribution.words)
    np.testing.assert_allclose(
        attribution.weights, sign * features @ linear.coef_[0], atol=1e-12
    )
    assert attribution.score == pytest.approx(sign * bow.decision_function([TEXT])[0])
    assert (attribution.label, attribution.method) == (target, "occlusion")
    assert attribution.text is TEXT


@pytest.mark.parametrize("target", ["pos", "neg", "bad"])
def test_occlusion_three_classes(three_classes, target):
    """The weight of a word is the change in the log-odds without it."""
    attribution = explain(three_classes, TEXT, target=target)
    features, linear = features_of_words(three_classes, attribution.words)
    whole = three_classes.decision_function([TEXT])[0]
    logits = np.vstack([whole, whole - features @ linear.coef_.T])
    index = linear.classes_.tolist().index(target)
    others = [other for other in range(3) if other != index]
    odds = logits[:, index] - logsumexp(logits[:, others], axis=1)
    np.testing.assert_allclose(attribution.weights, odds[0] - odds[1:], atol=1e-10)
    assert attribution.score == pytest.approx(odds[0])


def test_occlusion_without_decision_function():
    bayes = make_pipeline(NGramVectorizer(max_n=1), MultinomialNB())
    bayes.fit(TEXTS, LABELS)
    attribution = explain(bayes, "a fine bore", target="pos")
    neg, pos = bayes[-1].feature_log_prob_
    columns = [bayes[0].vocabulary_[word] for word in attribution.words]
    np.testing.assert_allclose(attribution.weights, (pos - neg)[columns], rtol=1e-9)


def test_occlusion_probability_zero_is_finite():
    class Certain(LetterClassifier):
        decision_function = property()

        def predict_proba(self, X):
            contains = np.array(["good" in text for text in X], dtype=float)
            return np.stack([1 - contains, contains], axis=1)

    attribution = explain(Certain().fit(TEXTS, LABELS), "so good", target="pos")
    assert np.isfinite(attribution.weights).all()
    assert attribution.weights[0] == 0 < attribution.weights[1]


@pytest.mark.parametrize("name", ["kimcnn", "han"])
def test_occlusion_of_network(fitted, name):
    attribution = explain(fitted(name), TEXT, target="pos")
    for span in attribution.spans:
        blanks = " " * (span.end - span.start)
        blanked = TEXT[: span.start] + blanks + TEXT[span.end :]
        one, other = fitted(name).decision_function([TEXT, blanked])
        assert span.weight == pytest.approx(one - other, abs=1e-4)


def test_occlusion_keeps_words_apart():
    """Blanking a punctuation mark does not join the words around it."""
    pipeline = make_ngram_classifier(max_n=1).fit(["good bad", "goodbad"], [0, 1])
    (_, comma, _) = explain(pipeline, "good,bad").weights
    assert comma == 0


def test_occlusion_batches_predictions(monkeypatch):
    """All variants are predicted in one call, or in several if memory is limited."""
    calls = []

    class Counting(LetterClassifier):
        def decision_function(self, X):
            calls.append(len(X))
            return super().decision_function(X)

    classifier = Counting().fit(TEXTS, LABELS)
    whole = explain(classifier, TEXT)
    assert calls == [len(re.findall(TOKEN_PATTERN, TEXT)) + 1]
    calls.clear()
    monkeypatch.setattr(_attribution, "_CHARACTERS_PER_CALL", 3 * len(TEXT))
    assert explain(classifier, TEXT) == whole
    assert max(calls) == 3
    monkeypatch.setattr(_attribution, "_CHARACTERS_PER_CALL", 1)
    assert explain(classifier, TEXT) == whole


@pytest.mark.parametrize(
    "classifier",
    [
        GridSearchCV(make_bow_classifier(), {"logisticregression__C": [10]}, cv=2),
        VotingClassifier([("bow", make_bow_classifier())], voting="soft"),
        make_pipeline(NGramVectorizer(), LinearSVC()),
    ],
    ids=["search", "voting", "no probabilities"],
)
def test_occlusion_of_any_text_classifier(classifier):
    attribution = explain(clone(classifier).fit(TEXTS, LABELS), "a good film")
    assert attribution.words == ["a", "good", "film"]
    assert attribution.label == "pos"
    assert attribution.weights.argmax() == 1
