"""Representations of texts before the output layer of a network."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from torch import nn

from sktextconv import document_vectors

from ..classifiers import NETWORKS
from .conftest import LABELS, TEXT, TEXTS

SIZES = {  # of a vector
    "charcnn": 1024,
    "vdcnn": 32,
    "wordcnn": 1024,
    "kimcnn": 3 * 8,
    "rnn": 16,
    "han": 2 * 8,
    "charcrnn": 2 * 16,
    "dpcnn": 16,
}

VARIED = [*TEXTS[:4], "", TEXT, "film", TEXT * 3]


def output_layer(network):
    *_, last = (m for m in network.net_.module_.modules() if isinstance(m, nn.Linear))
    return last


@pytest.mark.parametrize("name", NETWORKS)
def test_last_layer_gives_logits(name, fitted):
    """The output layer, applied to the vectors, gives the logits of `predict`."""
    network = fitted(name)
    vectors = document_vectors(network, VARIED)
    assert vectors.dtype == np.float32
    with torch.no_grad():
        logits = output_layer(network)(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(
        logits[:, 1] - logits[:, 0], network.decision_function(VARIED), atol=1e-5
    )


@pytest.mark.parametrize("name", SIZES)
def test_size_of_vectors(name, fitted):
    assert document_vectors(fitted(name), VARIED).shape == (len(VARIED), SIZES[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_vectors_do_not_depend_on_batch(name, fitted, monkeypatch):
    """A text has the same vector alone, among others and in any order."""
    network = fitted(name)
    together = document_vectors(network, VARIED)
    assert len(np.unique(together, axis=0)) > 4
    monkeypatch.setattr(network, "batch_size", 3)
    order = np.random.RandomState(0).permutation(len(VARIED))
    moved = document_vectors(network, np.array(VARIED)[order])
    atol = 2e-6 * np.abs(together).max()  # 17 times the precision of float32
    np.testing.assert_allclose(moved, together[order], atol=atol)
    alone = [document_vectors(network, [text])[0] for text in VARIED]
    np.testing.assert_allclose(alone, together, atol=atol)


@pytest.mark.parametrize("name", NETWORKS)
def test_document_vectors_change_nothing(name, fitted):
    """The network predicts the same bits afterwards, and each call repeats its own."""
    network = fitted(name)
    before, modules = network.predict_proba(VARIED), str(network.net_.module_)
    vectors = document_vectors(network, VARIED)
    np.testing.assert_array_equal(document_vectors(network, VARIED), vectors)
    np.testing.assert_array_equal(network.predict_proba(VARIED), before)
    assert str(network.net_.module_) == modules


@pytest.mark.parametrize("options", [{"compile": "eager"}, {"precision": "bfloat16"}])
def test_vectors_of_other_computations(options):
    """Vectors are float32 and fit the logits, compiled and in bfloat16 too."""
    network = clone(NETWORKS["kimcnn"]).set_params(**options).fit(TEXTS, LABELS)
    vectors = document_vectors(network, TEXTS[:4])
    assert vectors.dtype == np.float32
    with torch.no_grad():
        logits = output_layer(network)(torch.from_numpy(vectors)).numpy()
    np.testing.assert_allclose(
        logits[:, 1] - logits[:, 0], network.decision_function(TEXTS[:4]), atol=1e-2
    )


def test_document_vectors_of_other_estimators(bow, fitted):
    """Anything but a fitted network is rejected, with advice for a pipeline."""
    with pytest.raises(NotFittedError):
        document_vectors(clone(NETWORKS["rnn"]), TEXTS)
    with pytest.raises(
        TypeError, match=r"got Pipeline\. .* pipeline\[:-1\]\.transform"
    ):
        document_vectors(bow, TEXTS)
    search = GridSearchCV(NETWORKS["rnn"], {})
    with pytest.raises(TypeError, match=r"got GridSearchCV\. .* best_estimator_"):
        document_vectors(search, TEXTS)
    with pytest.raises(ValueError, match="string object received"):
        document_vectors(fitted("rnn"), "so good")


def test_vectors_of_diverged_network(fitted):
    network = clone(NETWORKS["rnn"]).fit(TEXTS, LABELS)
    with torch.no_grad():
        network.net_.module_.embedding.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="Expected finite vectors, got NaN"):
        document_vectors(network, TEXTS)
