"""TextStore: indexing, writing, CSV files, damage, pickles."""

import csv
import gzip
import lzma
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv import (
    TextStore,
    read_csv,
)

from .memory import LONG_TEXT, peak_of

ANY_TEXTS = st.lists(st.text(st.characters(exclude_categories=[]), max_size=20))
each_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


# -- a sequence of str -----------------------------------------------------------------


@each_example
@given(texts=ANY_TEXTS)
def test_from_texts_round_trip(path, texts):
    store = TextStore.from_texts(texts, path)
    assert list(store) == texts
    assert store == texts == TextStore(path)
    assert store != [*texts[:-1], None]
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
    texts = [f"{index}é" for index in range(9)]
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
    texts = [str(index) for index in range(2_000)]
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


# -- writing ---------------------------------------------------------------------------


def test_from_texts_consumes_lazily(path):
    consumed = []

    def texts():
        for index in range(3):
            consumed.append(index)
            yield str(index)

    assert TextStore.from_texts(texts(), path) == ["0", "1", "2"]
    assert consumed == [0, 1, 2]


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
    for index in itertools.count():
        yield "text " * 1000
        if index == 1000:
            {}
try:
    TextStore.from_texts(texts(), sys.argv[1])
except OSError as error:
    print(type(error).__name__)
"""


def write_in_a_process(path, action):
    command = [sys.executable, "-c", WRITE.format(action), str(path)]
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


def test_memory_independent_of_n_texts(path):
    write = peak_of(
        lambda: TextStore.from_texts((LONG_TEXT for _ in range(10_000)), path)
    )
    store = TextStore(path)
    read = peak_of(lambda: sum(map(len, store)))
    check = peak_of(store.verify)
    assert path.stat().st_size > 20e6
    assert max(write, read, check) < 4e6


# -- CSV files -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_names": ["bad", "good"]},
        {"field_order": "reverse", "line_breaks": False, "strip": False},
        {"label_column": "a", "text_columns": ["c"], "header": True},
    ],
)
def test_from_csv_matches_read_csv(tmp_path, path, suffix, options):
    rows = [["2", " a\\nb ", "c "], ["1", "", '"d" é\0'], ["2", "x", "y"]]
    rows = [["a", "b", "c"], *rows] if options.get("header") else rows
    source = tmp_path / f"some.csv{suffix}"
    opener = {"": open, ".gz": gzip.open, ".xz": lzma.open}[suffix]
    with opener(source, "wt", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    expected = read_csv(source, **options)
    bunch = TextStore.from_csv(source, path, **options)
    assert isinstance(bunch.data, TextStore)
    assert bunch.data == expected.data
    assert bunch.target.dtype == expected.target.dtype
    assert bunch.target.tolist() == expected.target.tolist()
    assert bunch.target_names == expected.target_names
    assert bunch.keys() == expected.keys()


@pytest.mark.parametrize("content", ['"1","a"\n"2"\n', "kind,text\n1,a\n2,b\n", ""])
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
    source.write_text(f'"1","{LONG_TEXT}"\n"2","{LONG_TEXT}"\n' * 5_000)
    assert peak_of(lambda: TextStore.from_csv(source, path)) < 4e6


# -- damage ----------------------------------------------------------------------------


def test_verify_detects_any_flipped_bit(path):
    texts = ["abc", "é", "\udcff\0"]
    TextStore.from_texts(texts, path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for bit in (1, 128):
            damaged = bytearray(whole)
            damaged[position] ^= bit
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


# -- pickles ---------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_holds_rows_only(path, protocol):
    store = TextStore.from_texts([LONG_TEXT, "b", "c"], path)
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
