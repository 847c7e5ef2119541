"""Labels and texts in each other's place."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sktextconv.utils._training_data import check_training_data

from ..classifiers import NETWORKS

SENTENCES = [f"a film that I saw {n} times" for n in range(40)]
CLASSES = ["pos", "neg"] * 20


def check(X, y):
    return check_training_data(X, y, None, class_weight=None, required_by="Test")


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_swapped_texts_and_labels(kind):
    with pytest.raises(ValueError, match="swapped") as caught:
        check(kind(CLASSES), kind(SENTENCES))
    assert str(caught.value) == (
        "Expected labels that several texts share, got 40 labels for 2 different "
        "texts, and most labels have more than 3 words. Texts and labels seem to be "
        "swapped: pass the texts first, then the labels."
    )


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_swapped_texts_and_numbers(kind):
    with pytest.raises(TypeError, match="swapped") as caught:
        check(kind([0, 1] * 20), kind(SENTENCES))
    assert str(caught.value) == (
        "X must contain only str, got int at index 0. Texts and labels seem to be "
        "swapped: pass the texts first, then the labels."
    )


def test_swapped_in_fit_and_partial_fit():
    """Both methods say so, and a few repeated texts make no difference."""
    network = clone(NETWORKS["kimcnn"])
    with pytest.raises(ValueError, match="seem to be swapped"):
        network.fit(CLASSES, [*SENTENCES[:38], *SENTENCES[:2]])
    with pytest.raises(ValueError, match="seem to be swapped"):
        network.partial_fit(CLASSES, SENTENCES, classes=["neg", "pos"])


@pytest.mark.filterwarnings("ignore:The number of unique classes")  # scikit-learn's
@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (SENTENCES, SENTENCES),  # each text is its own label
        (SENTENCES, [f"class {n}" for n in range(40)]),
        (["so good", "so bad"], ["a very good film", "a very bad film"]),
        (CLASSES, [str(n) for n in range(40)]),
        (CLASSES, list(range(40))),
        (SENTENCES, [SENTENCES[n % 4] for n in range(40)]),
        (CLASSES, CLASSES),
    ],
)
def test_unusual_labels_are_not_swapped(texts, labels):
    """Long, many or unique labels alone are accepted."""
    assert len(check(texts, labels)[1]) == len(set(labels))
