"""LogCountRatio, compared with scikit-learn's naive Bayes."""

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
TARGETS = RNG.integers(0, 2, 40)
EQUAL = np.arange(40) % 2
RARE = np.arange(40) % 8 == 0


@pytest.mark.parametrize("alpha", [1.0, 0.3, 7.0])
def test_fit_agrees_with_multinomial_naive_bayes(alpha):
    """For classes of equal size, the ratios are those of scikit-learn's naive Bayes."""
    ours = LogCountRatio(alpha=alpha).fit(COUNTS, EQUAL).log_ratio_
    theirs = MultinomialNB(alpha=alpha).fit(COUNTS.sign(), EQUAL).feature_log_prob_
    np.testing.assert_allclose(ours, theirs[1] - theirs[0], rtol=1e-5)


@pytest.mark.parametrize("alpha", [1.0, 0.3, 7.0])
@pytest.mark.parametrize("targets", [TARGETS, RARE, ~RARE])
def test_fit_agrees_with_weighted_documents(alpha, targets):
    """Smoothing equals two weighted documents that contain every feature."""
    every = np.ones((2, COUNTS.shape[1]))
    documents = np.vstack([COUNTS.toarray() > 0, every])
    shares = 2 * alpha * np.array([1 - targets.mean(), targets.mean()])
    naive_bayes = MultinomialNB(alpha=1e-10).fit(
        documents,
        [*targets.astype(int), 0, 1],
        sample_weight=[*np.ones(len(targets)), *shares],
    )
    negative, positive = naive_bayes.feature_log_prob_
    ours = LogCountRatio(alpha=alpha).fit(COUNTS, targets).log_ratio_
    np.testing.assert_allclose(ours, positive - negative, rtol=1e-5, atol=1e-6)


def test_fit_rare_class_leaves_neutral_words_at_zero():
    """A word in half of the texts of both classes has weight 0."""
    # One class has 8 of 48 texts; each text has three words of its own.
    common = np.arange(48)[:, np.newaxis] % 2
    counts = np.hstack([common, np.repeat(np.eye(48, dtype=int), 3, axis=1)])
    ratio = LogCountRatio().fit(counts, np.arange(48) < 8).log_ratio_
    assert ratio[0] == pytest.approx(0.0, abs=1e-6)
    assert (ratio[1:25] > 0).all()
    assert (ratio[25:] < 0).all()


def test_transform_ignores_size_of_counts():
    """Every positive count becomes the ratio, whatever its size."""
    transformer = LogCountRatio().fit(COUNTS, TARGETS)
    features = transformer.transform(COUNTS).toarray()
    present = COUNTS.toarray() > 0
    np.testing.assert_array_equal(features, present * transformer.log_ratio_)


def test_fit_with_string_labels():
    """Classes are ordered by their labels, which can be of any type."""
    named = np.array(["bad", "good"])[TARGETS]
    np.testing.assert_array_equal(
        LogCountRatio().fit(COUNTS, named).log_ratio_,
        LogCountRatio().fit(COUNTS, TARGETS).log_ratio_,
    )


@pytest.mark.parametrize("n_classes", [1, 3])
def test_fit_rejects_other_than_two_classes(n_classes):
    """The error names the class that handles more classes."""
    with pytest.raises(ValueError, match="OneVsRestClassifier"):
        LogCountRatio().fit(COUNTS, np.arange(40) % n_classes)


def test_classifier_with_three_classes():
    """`make_nb_ngram_classifier` fits one class against the rest."""
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
