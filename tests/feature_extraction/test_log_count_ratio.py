"""Naive Bayes weights as features, against scikit-learn's naive Bayes."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.naive_bayes import MultinomialNB

from sktextconv.baselines import make_nb_ngram_classifier
from sktextconv.feature_extraction import LogCountRatio

RNG = np.random.default_rng(0)
COUNTS = scipy.sparse.csr_matrix(
    RNG.integers(0, 4, (40, 7)) * RNG.integers(0, 2, (40, 7))
)
CODES = RNG.integers(0, 2, 40)


@pytest.mark.parametrize("alpha", [1.0, 0.3])
def test_ratios_are_those_of_naive_bayes_on_presence(alpha):
    ours = LogCountRatio(alpha=alpha).fit(COUNTS, CODES).log_ratio_
    theirs = MultinomialNB(alpha=alpha).fit(COUNTS.sign(), CODES).feature_log_prob_
    np.testing.assert_allclose(ours, theirs[1] - theirs[0], rtol=1e-5)


def test_a_feature_counts_once_however_often_a_document_has_it():
    scaler = LogCountRatio().fit(COUNTS, CODES)
    features = scaler.transform(COUNTS).toarray()
    present = COUNTS.toarray() > 0
    np.testing.assert_array_equal(features, present * scaler.log_ratio_)


def test_labels_of_any_kind_are_two_classes_in_their_order():
    named = np.array(["bad", "good"])[CODES]
    np.testing.assert_array_equal(
        LogCountRatio().fit(COUNTS, named).log_ratio_,
        LogCountRatio().fit(COUNTS, CODES).log_ratio_,
    )


@pytest.mark.parametrize("n_classes", [1, 3])
def test_other_than_two_classes_are_refused_with_the_remedy(n_classes):
    with pytest.raises(ValueError, match="OneVsRestClassifier"):
        LogCountRatio().fit(COUNTS, np.arange(40) % n_classes)


def test_more_classes_are_each_set_against_the_others():
    texts = ["a red car", "one red bus", "a blue car", "blue sky", "green tree"] * 4
    labels = ["red", "red", "blue", "blue", "green"] * 4
    classifier = make_nb_ngram_classifier().fit(texts, labels)
    assert classifier.predict(["red tram", "blue tram", "green tram"]).tolist() == [
        "red",
        "blue",
        "green",
    ]
    np.testing.assert_allclose(classifier.predict_proba(texts).sum(axis=1), 1)
    assert classifier.score(texts, labels) == 1.0
