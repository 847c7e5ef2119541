"""Text store: writing, reading, damage, pickling, use in place of a list."""

import csv
import gzip
import lzma
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    base,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    read_csv,
)
from sktextconv.encoding import (
    CharEncoder,
    DocumentEncoder,
    WordEncoder,
    _char,
    _ragged,
    _tokenize,
)
from sktextconv.training._data import EncodedDataset
from sktextconv.utils.validation import check_texts

from ..classifiers import NETWORKS

PIPELINES = {
    "bow": make_bow_classifier(),
    "ngrams": make_ngram_classifier(max_n=2),
    "nb": make_nb_ngram_classifier(max_n=2),
}
ANY_TEXTS = st.lists(st.text(st.characters(exclude_categories=[]), max_size=20))
each_example = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.texts"


@pytest.fixture
def stored(corpus, path):
    texts, labels = corpus
    return TextStore.from_texts(texts, path), labels


# --- a sequence of str --------------------------------------------------------------


@each_example
@given(texts=ANY_TEXTS)
def test_from_texts_round_trip(path, texts):
    store = TextStore.from_texts(texts, path)
    assert list(store) == texts
    assert store == texts == TextStore(path)
    assert store != [*texts, ""]
    assert (len(store), store.shape, store.ndim) == (len(texts), (len(texts),), 1)
    store.verify()


def keys(n):
    """Return a strategy for all kinds of index of a one-dimensional array."""
    ints = st.integers(-n, n - 1) if n else st.nothing()
    return st.one_of(
        ints,
        ints.map(np.int16),
        ints.map(np.array),
        st.slices(n),
        st.lists(ints, max_size=12 if n else 0),
        st.lists(ints, max_size=12 if n else 0).map(np.int32),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
        st.slices(n).map(lambda part: (part, ...)),
    )


@settings(each_example, max_examples=80)
@given(data=st.data())
def test_indexing_matches_numpy(path, data):
    """A store and its views are indexed as an array is."""
    texts = [f"{number}é" for number in range(9)]
    if not path.exists():
        TextStore.from_texts(texts, path)
    expected, got = np.array(texts, dtype=object), TextStore(path)
    for _ in range(2):
        key = data.draw(keys(len(got)))
        # NumPy makes an empty list an array of floats.
        empty = np.ndim(key) == 1 and not len(key)
        expected, got = expected[[] if empty else key], got[key]
        if isinstance(got, str):
            assert got == expected
            return
        assert got == list(got) == expected.tolist()
    assert [got[row] for row in range(len(got))] == expected.tolist()


def test_view_of_several_blocks_order(path):
    texts = [str(number) for number in range(2_000)]
    rows = np.random.default_rng(0).permutation(2_000)
    store = TextStore.from_texts(texts, path)
    assert list(store[rows]) == [texts[row] for row in rows]
    assert list(store[rows][::-3]) == [texts[row] for row in rows[::-3]]
    assert list(reversed(store)) == texts[::-1]


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (3, IndexError, "one of 3 texts, got index 3"),
        (-4, IndexError, "one of 3 texts, got index -4"),
        ([0, 3], IndexError, "out of bounds"),
        ([True, False], IndexError, "boolean"),
        (1.0, TypeError, "got an array of float64"),
        ([0.5], TypeError, "got an array of float64"),
        ("a", TypeError, "Expected an int, a slice, or a 1D array"),
        (None, TypeError, "Expected an int, a slice, or a 1D array"),
        ([[0], [1]], TypeError, r"of int64 of shape \(2, 1\)"),
    ],
)
def test_indexing_invalid_index(path, key, error, message):
    with pytest.raises(error, match=message):
        TextStore.from_texts(["a", "b", "c"], path)[key]


def test_view_after_rename_or_deletion(path):
    """Views still read when the file is renamed or deleted."""
    store = TextStore.from_texts(["a", "b"], path)
    TextStore.from_texts(["x"], path)
    assert store[1:] == ["b"]
    path.unlink()
    assert store[[1, 0]] == ["b", "a"]
    assert repr(store[:1]) == f"<TextStore of 1 texts in {path}>"


# --- writing ------------------------------------------------------------------------


def test_from_texts_consumes_lazily(path):
    taken = []

    def texts():
        for number in range(3):
            taken.append(number)
            yield str(number)

    assert TextStore.from_texts(texts(), path) == ["0", "1", "2"]
    assert taken == [0, 1, 2]


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("a text", ValueError, "string object received"),
        (["a", 1], TypeError, "got int at index 1"),
        (["a", b"b"], TypeError, "bytes at index 1; decode"),
        (["a", "b", None], ValueError, r"NaN or None \(first at index 2\)"),
        (["a", float("nan")], ValueError, r"NaN or None \(first at index 1\)"),
    ],
)
def test_from_texts_invalid_text_keeps_old_file(path, texts, error, message):
    TextStore.from_texts(["old"], path)
    with pytest.raises(error, match=message):
        TextStore.from_texts(texts, path)
    assert TextStore(path) == ["old"]
    assert os.listdir(path.parent) == [path.name]


WRITE = """
import itertools, os, resource, signal, sys
from sktextconv import TextStore
def texts():
    for number in itertools.count():
        yield "text " * 1000
        if number == 1000:
            {}
try:
    TextStore.from_texts(texts(), sys.argv[1])
except OSError as error:
    print(type(error).__name__)
"""


def write_in_a_process(path, what_happens):
    command = [sys.executable, "-c", WRITE.format(what_happens), str(path)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_from_texts_killed_keeps_old_file(path):
    TextStore.from_texts(["old"], path)
    done = write_in_a_process(path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL
    assert TextStore(path) == ["old"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_from_texts_full_disk_leaves_nothing(path):
    full = (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))"
    )
    done = write_in_a_process(path, full)
    assert done.stdout == "OSError\n", done.stderr
    assert os.listdir(path.parent) == []


def peak_of(function):
    """Return the peak of the bytes that Python and NumPy allocate in a call."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


LONG = "a long text of few words, again and again " * 50


def test_memory_independent_of_n_texts(path):
    write = peak_of(lambda: TextStore.from_texts((LONG for _ in range(10_000)), path))
    store = TextStore(path)
    read = peak_of(lambda: sum(map(len, store)))
    check = peak_of(store.verify)
    assert path.stat().st_size > 20e6
    assert max(write, read, check) < 4e6


# --- CSV files ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"class_names": ["bad", "good"]},
        {"field_order": "reverse", "line_breaks": False, "strip": False},
        {"label_column": "a", "text_columns": ["c"], "header": True},
    ],
)
def test_from_csv_matches_read_csv(tmp_path, path, suffix, how):
    rows = [["2", " a\\nb ", "c "], ["1", "", '"d" é\0'], ["2", "x", "y"]]
    rows = [["a", "b", "c"], *rows] if how.get("header") else rows
    source = tmp_path / f"some.csv{suffix}"
    opener = {"": open, ".gz": gzip.open, ".xz": lzma.open}[suffix]
    with opener(source, "wt", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    expected = read_csv(source, **how)
    bunch = TextStore.from_csv(source, path, **how)
    assert isinstance(bunch.data, TextStore)
    assert bunch.data == expected.data
    assert bunch.target.dtype == expected.target.dtype
    assert bunch.target.tolist() == expected.target.tolist()
    assert bunch.target_names == expected.target_names
    assert bunch.keys() == expected.keys()


@pytest.mark.parametrize("content", ['"1","a"\n"2"\n', "class,text\n1,a\n2,b\n", ""])
def test_from_csv_invalid_file_leaves_no_store(tmp_path, path, content):
    source = tmp_path / "some.csv"
    source.write_text(content)
    with pytest.raises(ValueError, match=r"some\.csv") as expected:
        read_csv(source)
    with pytest.raises(ValueError, match=r"some\.csv") as raised:
        TextStore.from_csv(source, path)
    assert str(raised.value) == str(expected.value)
    assert os.listdir(tmp_path) == ["some.csv"]


def test_from_csv_memory(tmp_path, path):
    source = tmp_path / "some.csv"
    source.write_text(f'"1","{LONG}"\n"2","{LONG}"\n' * 5_000)
    assert peak_of(lambda: TextStore.from_csv(source, path)) < 4e6


# --- damage -------------------------------------------------------------------------


def test_verify_detects_any_flipped_bit(path):
    texts = ["abc", "é", "\udcff\0"]
    TextStore.from_texts(texts, path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in (1, 128):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"some\.texts: expected .*, got .*; "):
                TextStore(path).verify()


def test_open_wrong_length(path):
    TextStore.from_texts(["abc", "é"], path)
    whole = path.read_bytes()
    for data in [*(whole[:length] for length in range(len(whole))), whole + b"\0"]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"some\.texts: expected .*, got .*; "):
            TextStore(path)


def test_read_invalid_encoding(path):
    TextStore.from_texts(["abc", "é", "z"], path)
    path.write_bytes(path.read_bytes().replace("é".encode(), b"e\xa9"))
    store = TextStore(path)
    assert store[0] == "abc"
    with pytest.raises(ValueError, match=r"some\.texts: expected a whole text store"):
        list(store)


def test_open_foreign_or_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"no file .*some\.texts; make one"):
        TextStore(path)
    path.write_text("label,text\n")
    with pytest.raises(ValueError, match=r"begins with b'sktexts.*begins with b'label"):
        TextStore(path)


# --- pickles ------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_holds_rows_only(path, protocol):
    store = TextStore.from_texts([LONG, "b", "c"], path)
    for part in (store, store[1:], store[[2, 0]], store[:0]):
        pickled = pickle.dumps(part, protocol)
        assert pickle.loads(pickled) == part
        assert len(pickled) < 1_000


def test_unpickle_missing_or_changed_file(path):
    pickled = pickle.dumps(TextStore.from_texts(["a", "b"], path)[1:])
    TextStore.from_texts(["a", "c"], path)
    with pytest.raises(ValueError, match=r"some\.texts: expected the text store of"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no file .*some\.texts"):
        pickle.loads(pickled)
    TextStore.from_texts(["a", "b"], path)
    assert pickle.loads(pickled) == ["b"]


def test_relative_path_after_chdir(path, monkeypatch):
    """A relative path is resolved when the store is opened."""
    TextStore.from_texts(["a"], path)
    monkeypatch.chdir(path.parent)
    pickled = pickle.dumps(TextStore(path.name))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled) == ["a"]


# --- in place of a list -------------------------------------------------------------


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
    weights = np.arange(len(texts)) % 3  # of which a third is dropped
    how = {"early_stopping": True, "validation_fraction": 0.3}
    network = clone(NETWORKS[name]).set_params(max_epochs=1, **how)
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
    how = {"cv": folds, "scoring": "neg_log_loss"}
    ours = cross_val_score(classifier, *stored, **how)
    assert ours.tolist() == cross_val_score(classifier, *corpus, **how).tolist()


def test_parallel_search_same_from_store(corpus, stored):
    classifier = clone(NETWORKS["kimcnn"]).set_params(n_jobs=1, max_epochs=1)
    grid = {"learning_rate": [1e-12, 1e-2]}
    how = {"cv": 2, "scoring": "neg_log_loss"}
    ours = GridSearchCV(classifier, grid, n_jobs=2, **how).fit(*stored)
    theirs = GridSearchCV(classifier, grid, **how).fit(*corpus)
    key = "mean_test_score"
    assert ours.cv_results_[key].tolist() == theirs.cv_results_[key].tolist()
    assert ours.best_params_ == theirs.best_params_


# --- reading in chunks --------------------------------------------------------------


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
    monkeypatch.setattr(_char, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_AT_ONCE", 100)
    store = TextStore.from_texts((LONG for _ in range(1_000)), path)
    encoder.fit(store[:10])
    assert path.stat().st_size > 2e6
    assert peak_of(lambda: encoder.encode(store)) < 1e6
    assert np.array_equal(encoder.encode(store).ids, encoder.encode(list(store)).ids)


def test_fit_vocabulary_reads_in_chunks(path, monkeypatch):
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_AT_ONCE", 100)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    store = TextStore.from_texts((LONG for _ in range(1_000)), path)
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
    numbers = np.arange(n_words)
    text = " ".join(f"w{number:06}" for number in numbers)
    encoder = WordEncoder(max_tokens=n_words, max_length=n_words).fit([text])
    ragged = encoder.encode(["", text])
    dataset = EncodedDataset(ragged, torch.device("cpu"))
    assert np.shares_memory(dataset._ids.ids.numpy(), ragged.ids)
    assert dataset.ids(torch.tensor([1])).tolist() == [(numbers + 2).tolist()]
    assert dataset.ids(torch.tensor([0, 1]))[0].tolist() == [0] * n_words


def test_batch_of_empty_texts_is_padding():
    dataset = EncodedDataset(CharEncoder().encode(["", ""]), torch.device("cpu"))
    assert dataset.ids(torch.tensor([1, 0])).tolist() == [[0], [0]]


def test_predictions_independent_of_chunks(stored, corpus, monkeypatch):
    store, labels = stored
    classifier = clone(NETWORKS["rnn"]).fit(store, labels)
    whole = classifier.predict_proba(store)
    monkeypatch.setattr(base, "_PREDICT_CHUNK_SIZE", 7)
    parts = classifier.predict_proba(store)
    assert np.abs(parts - whole).max() <= 1e-5
    assert np.array_equal(parts, classifier.predict_proba(corpus[0]))


def test_ngram_counting_reads_in_chunks(path, monkeypatch):
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 100)
    monkeypatch.setattr(_tokenize, "_CHARACTERS_PER_BATCH", 2**12)
    monkeypatch.setattr("sktextconv.datasets._store._TEXTS_AT_ONCE", 100)
    store = TextStore.from_texts((f"{'x' * 2_000} a" for _ in range(1_000)), path)
    assert peak_of(lambda: NGramVectorizer().fit_transform(store)) < 1e6
