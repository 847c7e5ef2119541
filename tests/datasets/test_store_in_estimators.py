"""TextStore as input of estimators: same results as a list, memory in chunks."""

import os
import pickle
import tempfile

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)

from sktextconv import (
    NGramVectorizer,
    TextStore,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from sktextconv.encoding import (
    CharEncoder,
    DocumentEncoder,
    WordEncoder,
    _char_tokenizer,
    _ragged,
    _tokenize,
)
from sktextconv.training._data import EncodedDataset
from sktextconv.utils.validation import check_texts

from ..classifiers import NETWORKS
from .memory import LONG_TEXT, peak_of

PIPELINES = {
    "bow": make_bow_classifier(),
    "ngrams": make_ngram_classifier(max_n=2),
    "nb": make_nb_ngram_classifier(max_n=2),
}


# -- same results as a list ------------------------------------------------------------


def test_check_texts_returns_store(path):
    store = TextStore.from_texts(["a"], path)
    assert check_texts(store, required_by="Test") is store
    with pytest.raises(ValueError, match="minimum of 1 is required by Test"):
        check_texts(store[:0], required_by="Test")


def weights_of(classifier):
    return [weight.tolist() for weight in classifier.net_.module_.state_dict().values()]


@pytest.mark.parametrize("name", NETWORKS)
def test_network_same_bits_from_store(name, corpus, stored):
    (texts, labels), (store, _) = corpus, stored
    weights = np.arange(len(texts)) % 3  # a third of them is 0
    options = {"early_stopping": True, "validation_fraction": 0.3}
    network = clone(NETWORKS[name]).set_params(max_epochs=1, **options)
    ours = clone(network).fit(store, labels, weights)
    theirs = clone(network).fit(texts, labels, weights)
    assert weights_of(ours) == weights_of(theirs)
    rows = np.array([5, 0, 20])
    proba = theirs.predict_proba([texts[row] for row in rows])
    assert np.array_equal(ours.predict_proba(store[rows]), proba)
    assert b"some.texts" not in pickle.dumps(ours)


def test_partial_fit_same_bits_from_store(corpus, stored):
    (texts, labels), (store, _) = corpus, stored
    ours, theirs = clone(NETWORKS["kimcnn"]), clone(NETWORKS["kimcnn"])
    for part in (slice(0, 24, 2), slice(1, 24, 2)):
        ours.partial_fit(store[part], labels[part], classes=["neg", "pos"])
        theirs.partial_fit(texts[part], labels[part], classes=["neg", "pos"])
    assert weights_of(ours) == weights_of(theirs)


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_same_bits_from_store(name, corpus, stored):
    (texts, labels), (store, _) = corpus, stored
    ours = clone(PIPELINES[name]).fit(store, labels)
    theirs = clone(PIPELINES[name]).fit(texts, labels)
    expected = theirs.predict_proba(texts[::-1])
    assert np.array_equal(ours.predict_proba(store[::-1]), expected)


def test_attention_same_from_store(corpus, stored):
    (texts, labels), (store, _) = corpus, stored
    network = clone(NETWORKS["han"]).set_params(max_epochs=1).fit(store, labels)
    assert network.attention(store[5:8]) == network.attention(texts[5:8])


def test_train_test_split_gives_stores(corpus, stored):
    (texts, labels), (store, _) = corpus, stored
    parts = train_test_split(store, labels, random_state=0)
    expected = train_test_split(texts, labels, random_state=0)
    for part, other in zip(parts[:2], expected[:2], strict=True):
        assert isinstance(part, TextStore)
        assert part == other


@pytest.mark.parametrize(
    "classifier", [NETWORKS["charcnn"], PIPELINES["ngrams"]], ids=["charcnn", "ngrams"]
)
def test_cross_val_score_same_from_store(classifier, corpus, stored):
    if "n_jobs" in classifier.get_params():
        classifier = clone(classifier).set_params(n_jobs=1)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    options = {"cv": folds, "scoring": "neg_log_loss"}
    ours = cross_val_score(classifier, *stored, **options)
    assert ours.tolist() == cross_val_score(classifier, *corpus, **options).tolist()


def test_parallel_search_same_from_store(corpus, stored):
    classifier = clone(NETWORKS["kimcnn"]).set_params(n_jobs=1, max_epochs=1)
    grid = {"learning_rate": [1e-12, 1e-2]}
    options = {"cv": 2, "scoring": "neg_log_loss"}
    ours = GridSearchCV(classifier, grid, n_jobs=2, **options).fit(*stored)
    theirs = GridSearchCV(classifier, grid, **options).fit(*corpus)
    key = "mean_test_score"
    assert ours.cv_results_[key].tolist() == theirs.cv_results_[key].tolist()
    assert ours.best_params_ == theirs.best_params_


# -- reading in chunks -----------------------------------------------------------------


@pytest.mark.parametrize(
    "encoder",
    [
        CharEncoder(max_length=5),
        WordEncoder(max_length=5),
        DocumentEncoder(max_sentences=1, max_sentence_length=5),
    ],
    ids=["characters", "words", "documents"],
)
def test_encode_reads_in_chunks(encoder, path, monkeypatch):
    monkeypatch.setattr(_char_tokenizer, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_PER_CHUNK", 100)
    store = TextStore.from_texts((LONG_TEXT for _ in range(1_000)), path)
    encoder.fit(store[:10])
    assert path.stat().st_size > 2e6
    assert peak_of(lambda: encoder.encode(store)) < 1e6
    assert np.array_equal(encoder.encode(store).ids, encoder.encode(list(store)).ids)


def test_fit_vocabulary_reads_in_chunks(path, monkeypatch):
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    store = TextStore.from_texts((LONG_TEXT for _ in range(2_000)), path)
    assert peak_of(lambda: WordEncoder().fit(store)) < path.stat().st_size / 2
    assert peak_of(lambda: WordEncoder().fit(list(store))) > path.stat().st_size


def test_ids_above_limit_in_temporary_file(corpus, tmp_path, monkeypatch):
    """Ids above the memory limit live in a file that is deleted with them."""
    texts, labels = corpus
    in_memory = clone(NETWORKS["kimcnn"]).fit(texts, labels)
    encoders = [CharEncoder(), WordEncoder().fit(texts), DocumentEncoder(min_count=1)]
    encoders[2].fit(texts)
    expected = [encoder.encode(texts) for encoder in encoders]
    monkeypatch.setattr(_ragged, "MAX_BYTES_IN_MEMORY", 30)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for encoder, other in zip(encoders, expected, strict=True):
        ragged = encoder.encode(texts)
        assert isinstance(ragged.ids, np.memmap)
        assert not isinstance(other.ids, np.memmap)
        assert np.array_equal(ragged.ids, other.ids)
        assert ragged.ids.dtype == other.ids.dtype
        assert np.array_equal(ragged.offsets, other.offsets)
    mapped = clone(NETWORKS["kimcnn"]).fit(texts, labels)
    assert weights_of(mapped) == weights_of(in_memory)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("n_words", [200, 40_000, 70_000])
def test_batch_copies_own_ids_only(n_words):
    ranks = np.arange(n_words)
    text = " ".join(f"w{rank:06}" for rank in ranks)
    encoder = WordEncoder(max_tokens=n_words, max_length=n_words).fit([text])
    ragged = encoder.encode(["", text])
    dataset = EncodedDataset(ragged, torch.device("cpu"))
    assert np.shares_memory(dataset._ids.ids.numpy(), ragged.ids)
    assert dataset.ids(torch.tensor([1])).tolist() == [(ranks + 2).tolist()]
    assert dataset.ids(torch.tensor([0, 1]))[0].tolist() == [0] * n_words


def test_batch_of_empty_texts_is_padding():
    dataset = EncodedDataset(CharEncoder().encode(["", ""]), torch.device("cpu"))
    assert dataset.ids(torch.tensor([1, 0])).tolist() == [[0], [0]]


def test_predictions_independent_of_chunks(stored, corpus, monkeypatch):
    store, labels = stored
    classifier = clone(NETWORKS["rnn"]).fit(store, labels)
    whole = classifier.predict_proba(store)
    monkeypatch.setattr("sktextconv.training._predict._CHUNK_SIZE", 7)
    parts = classifier.predict_proba(store)
    assert np.abs(parts - whole).max() <= 1e-5
    assert np.array_equal(parts, classifier.predict_proba(corpus[0]))


def test_ngram_counting_reads_in_chunks(path, monkeypatch):
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_PER_CHUNK", 100)
    store = TextStore.from_texts((f"{'x' * 2_000} a" for _ in range(1_000)), path)
    assert peak_of(lambda: NGramVectorizer().fit_transform(store)) < 1e6
