"""Fitted classifiers for the tests of explanations."""

import pytest
from sklearn.base import clone

from sktextconv import make_bow_classifier

from ..classifiers import NETWORKS

# FastText reads a word together with its neighbors: it has no gradient of a word.
WITH_GRADIENT = [name for name in NETWORKS if name != "fasttext"]

TEXTS = [
    "A fine film! So good, so fine.",
    "What a bore. So long, and not good.",
    "Fine cast; a good plot.",
    "Not a plot, not a film: too long!",
] * 6

LABELS = ["pos", "neg", "pos", "neg"] * 6

TEXT = "So long a film, and yet a good one. What a fine cast! Not a bore"


@pytest.fixture(scope="session")
def fitted():
    """Function that returns a fitted network by name, trained once."""
    networks = {}

    def fit(name):
        if name not in networks:
            networks[name] = clone(NETWORKS[name]).fit(TEXTS, LABELS)
        return networks[name]

    return fit


@pytest.fixture(scope="session")
def bow():
    return make_bow_classifier(C=100).fit(TEXTS, LABELS)


@pytest.fixture(scope="session")
def three_classes():
    labels = ["pos", "neg", "pos", "bad"] * 6
    return make_bow_classifier(tfidf=True, C=100).fit(TEXTS, labels)
