"""Sample weights, class weights and single classes."""

import numpy as np
import pytest
from sklearn.base import clone

from sktextconv import VDCNNClassifier


def test_balanced_class_weight_with_sample_weight(network, corpus):
    """`class_weight="balanced"` counts rows by their sample weights."""
    texts, labels = corpus[0][:16], corpus[1][:16]
    rows = np.where(labels == "pos", 2.0, 1.0)
    mass = {label: rows[labels == label].sum() for label in ("pos", "neg")}
    expected = clone(network).fit(
        texts, labels, rows * [rows.sum() / (2 * mass[label]) for label in labels]
    )
    balanced = clone(network).set_params(class_weight="balanced")
    np.testing.assert_allclose(
        balanced.fit(texts, labels, rows).predict_proba(texts),
        expected.predict_proba(texts),
        atol=1e-6,
    )


def test_class_of_zero_weight_stays(network, corpus):
    """A class whose only row has weight 0 is still among `classes_`."""
    texts, labels = corpus
    weights = np.r_[np.ones(len(texts)), 0]
    network.fit([*texts, "rare"], [*labels, "rare"], weights)
    assert network.classes_.tolist() == ["neg", "pos", "rare"]


def test_weight_2_equals_repeated_row(network, corpus):
    """In one full batch, weight 2 gives the loss of a repeated row."""
    if isinstance(network, VDCNNClassifier):
        pytest.skip("a repeated row counts twice in BatchNorm's means")
    texts, labels = corpus[0][:8], corpus[1][:8]
    known = network.get_params()
    for name in {"dropout", "embedding_dropout"} & known.keys():
        network.set_params(**{name: 0.0})
    network.set_params(batch_size=100, max_epochs=1, learning_rate=1e-4)
    if "batch_norm" in known:
        network.set_params(batch_norm=False)
    weighted = clone(network).fit(texts, labels, [2] + [1] * 7)
    twice = clone(network).fit([*texts, texts[0]], [*labels, labels[0]])
    np.testing.assert_allclose(
        weighted.history_[0]["train_loss"], twice.history_[0]["train_loss"], rtol=1e-5
    )


def test_class_weights_all_zero(network, corpus):
    network.set_params(class_weight={"pos": 0, "neg": 0})
    with pytest.raises(ValueError, match="at least one non-zero number"):
        network.fit(*corpus)


@pytest.mark.parametrize("n_texts", [1, 4])
def test_fit_with_one_class(network, corpus, n_texts):
    with pytest.raises(ValueError, match=r"at least 2 classes .* only one class: 'a'"):
        network.fit(corpus[0][:n_texts], ["a"] * n_texts)
