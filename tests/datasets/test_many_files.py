"""TextStore from many files, and of several stores."""

import contextlib
import csv
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sklearn.base import clone

from sktextconv import TextStore, read_csv

from ..classifiers import NETWORKS
from .memory import LONG_TEXT, peak_of

each_example = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANY_TEXTS = st.lists(st.text(st.characters(exclude_categories=[]), max_size=9))

RECORDS = {
    "a.csv": [("pos", "so good, a\nfine film"), ("neg", 'a "bore"'), ("pos", "né")],
    "b.tsv": [("odd", ""), ("odd", "x,y;z")],
    "c.jsonl": [("neg", "dull"), ("pos", "a {film}"), ("neg", "\0")],
    "d.parquet": [("pos", "fine"), ("neg", "long"), ("pos", "late"), ("pos", "é")],
}
BY_NAME = {"label_column": "stars", "text_columns": "review", "strip": False}


def write_file(path, records):
    """Write records with a column of ids, in the format of the name of the file."""
    rows = [(number, *record) for number, record in enumerate(records)]
    names = ["id", "stars", "review"]
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", encoding="utf-8", newline="") as out:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            csv.writer(out, delimiter=delimiter).writerows([names, *rows])
    elif path.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        path.write_text("\n".join(lines))
    else:
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


@pytest.fixture
def sources(tmp_path):
    return [write_file(tmp_path / name, RECORDS[name]) for name in RECORDS]


def records_of(names):
    return [record for name in names for record in RECORDS[name]]


# -- many files ------------------------------------------------------------------------


def test_from_csv_many_formats(sources, path):
    """Texts and labels are those of plain lists, and the file that of `from_texts`."""
    bunch = TextStore.from_csv(sources, path, **BY_NAME)
    records = records_of(RECORDS)
    assert bunch.data == [text for _, text in records]
    assert bunch.target.tolist() == [label for label, _ in records]
    assert bunch.target_names == ["neg", "odd", "pos"]
    assert bunch.columns == read_csv(sources[0], **BY_NAME).columns
    TextStore.from_texts([text for _, text in records], path.with_name("other"))
    assert path.read_bytes() == path.with_name("other").read_bytes()
    bunch.data.verify()


def test_from_csv_one_file_in_a_list(sources, path):
    for source in sources:
        one, many = (
            TextStore.from_csv(each, path, **BY_NAME)
            for each in (source, iter([source]))
        )
        assert one.data == many.data
        assert one.target.tolist() == many.target.tolist()
        assert one.columns == many.columns


@pytest.mark.parametrize(
    ("labels", "target", "names"),
    [
        (["11", "22"], [0, 0, 1, 1], ["1", "2"]),
        (["22", "31"], [1, 1, 2, 0], ["1", "2", "3"]),
        (["11", "33"], ["1", "1", "3", "3"], ["1", "3"]),
        (["11", "11"], ["1", "1", "1", "1"], ["1"]),
    ],
)
def test_from_csv_labels_of_all_files(tmp_path, path, labels, target, names):
    """All labels together, and not those of a file, tell whether they are numbers."""
    sources = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for source, digits in zip(sources, labels, strict=True):
        source.write_text("".join(f"{digit},text\n" for digit in digits))
    bunch = TextStore.from_csv(sources, path, header=False)
    assert bunch.target.tolist() == target
    assert bunch.target.dtype.kind == ("i" if target[0] in (0, 1) else "U")
    assert bunch.target_names == names
    named = TextStore.from_csv(sources, path, header=False, class_names=["x", "y", "z"])
    assert named.target.tolist() == [int(digit) - 1 for digit in "".join(labels)]
    assert named.target_names == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            "label,body\n1,a\n2,b\n",
            r"expected the columns of .*a\.csv, 'label', 'text', got",
        ),
        (
            "1,a,b\n1,c,d\n",
            r"expected the number of columns, .*\(2, 0, 1\), got \(3, 0, 1",
        ),
        ("1,a\n1\n", r"line 2: expected 2 columns"),
        ("", r"expected at least one record"),
        ("label,text\n4,b\n", r"expected a class number from 1 to 2"),
        (None, r"No such file"),
    ],
)
def test_from_csv_bad_file_keeps_old_store(tmp_path, path, second, message):
    """The error names the file, and the folder has what it had."""
    TextStore.from_texts(["old"], path)
    sources = [tmp_path / "a.csv", tmp_path / "b.csv"]
    sources[0].write_text("label,text\n1,a\n2,b\n")
    if second is not None:
        sources[1].write_text(second)
    before = sorted(os.listdir(tmp_path))
    error = ValueError if second is not None else FileNotFoundError
    with pytest.raises(error, match=message) as raised:
        TextStore.from_csv(sources, path, class_names=["x", "y"])
    assert "b.csv" in str(raised.value)
    assert TextStore(path) == ["old"]
    assert sorted(os.listdir(tmp_path)) == before


def test_from_csv_columns_by_name_or_position(tmp_path, path):
    """Names may have any order; a file without names has the same positions."""
    contents = ["label,text\n1,a\n2,b\n", "text,label\nc,2\nd,1\n", "1,e\n2,f\n"]
    sources = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for source, content in zip(sources, contents, strict=True):
        source.write_text(content)
    by_name = {"label_column": "label", "text_columns": "text"}
    bunch = TextStore.from_csv(sources[:2], path, **by_name)
    assert (bunch.data, bunch.target.tolist()) == (["a", "b", "c", "d"], [0, 1, 1, 0])
    bunch = TextStore.from_csv(sources[::2], path)
    assert (bunch.data, bunch.target.tolist()) == (["a", "b", "e", "f"], [0, 1, 0, 1])


def test_from_csv_no_file(path):
    with pytest.raises(
        ValueError, match="at least one file of labeled texts, got none"
    ):
        TextStore.from_csv([], path)
    assert not path.exists()


@pytest.mark.parametrize("group_size", [500, 4_000])
def test_from_csv_many_files_memory(tmp_path, path, arrow_pool, group_size):
    """Texts are read a few at a time, also those of a large row group of Parquet."""
    frame = pd.DataFrame({"label": ["1", "2"] * 2_000, "text": LONG_TEXT})
    frame.to_csv(tmp_path / "a.csv", index=False)
    # Parquet would store equal texts once.
    frame["text"] = [f"{number} {LONG_TEXT}" for number in range(4_000)]
    options = {"index": False, "compression": None, "row_group_size": group_size}
    frame.to_parquet(tmp_path / "b.parquet", **options)
    sources = [tmp_path / "a.csv", tmp_path / "b.parquet"]
    assert (tmp_path / "b.parquet").stat().st_size > 8e6
    with arrow_pool() as pool:
        assert peak_of(lambda: TextStore.from_csv(sources, path)) < 6e6
    assert len(TextStore(path)) == 8_000
    assert 0 < pool.max_memory() < 8e6


@pytest.fixture
def arrow_pool():
    """Return a context of a memory pool that records what pyarrow allocates."""

    @contextlib.contextmanager
    def use_pool():
        default = pa.default_memory_pool()
        pool = pa.proxy_memory_pool(default)
        pa.set_memory_pool(pool)
        try:
            yield pool
        finally:
            pa.set_memory_pool(default)

    return use_pool


# -- several processes -----------------------------------------------------------------


def test_processes_write_the_same_bytes(sources, path):
    """Several processes write the file of one, and return the same labels."""
    one = TextStore.from_csv(sources, path, **BY_NAME)
    several = TextStore.from_csv(sources, path.with_name("other"), **BY_NAME, n_jobs=2)
    assert path.read_bytes() == several.data.path.read_bytes()
    assert several.data == [text for _, text in records_of(RECORDS)]
    assert np.array_equal(one.target, several.target)
    assert one.target.dtype == several.target.dtype
    assert one.target_names == several.target_names
    assert one.columns == several.columns
    names = [path.name, "other", *RECORDS]
    assert sorted(os.listdir(path.parent)) == sorted(names)


@pytest.mark.parametrize(
    "contents",
    [
        ["1,a\n2,b\n", "1,a\n1\n", "1\n"],
        ["1,a\n2,b\n", "1,a,b\n2,a,c\n", "1\n"],
        ["1,a\n2,b\n", "1,c\n3,d\n", None],
    ],
)
def test_processes_raise_the_same_error(tmp_path, path, contents):
    """The error is that of the first bad file, and the old store stays."""
    TextStore.from_texts(["old"], path)
    sources = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for source, content in zip(sources, contents, strict=True):
        if content is not None:
            source.write_text(content)
    before = sorted(os.listdir(tmp_path))
    messages = []
    for n_jobs in (None, 2):
        with pytest.raises(ValueError, match=r"b\.csv.*: expected") as raised:
            TextStore.from_csv(sources, path, class_names=["x", "y"], n_jobs=n_jobs)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
    assert TextStore(path) == ["old"]
    assert sorted(os.listdir(tmp_path)) == before


def test_n_jobs_invalid(sources, path):
    with pytest.raises(ValueError, match="Expected n_jobs below or above 0, got 0"):
        TextStore.from_csv(sources, path, **BY_NAME, n_jobs=0)
    with pytest.raises(ValueError, match="Expected files for n_jobs above 1, got -"):
        TextStore.from_csv([*sources, "-"], path, **BY_NAME, n_jobs=2)
    assert sorted(os.listdir(path.parent)) == sorted(RECORDS)


@pytest.fixture
def endless(tmp_path):
    """Return a CSV file, and a named pipe that is read until the test ends it."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes")
    (tmp_path / "a.csv").write_text("1,a\n2,b\n")
    os.mkfifo(tmp_path / "b.csv")
    return [tmp_path / "a.csv", tmp_path / "b.csv"]


def when_read(pipe, act):
    """Return a thread that opens a named pipe once it is read, and calls `act`."""

    def run():
        with pipe.open("wb", buffering=0) as out:
            act(out)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_killed_process_is_an_error(endless, path):
    """If a process is killed, the error names a file, and nothing is left."""

    def kill_reader(_):
        (part,) = path.parent.glob("some.texts.*.part/1.*.part")
        os.kill(int(part.name.split(".")[1]), signal.SIGKILL)

    thread = when_read(endless[1], kill_reader)
    with pytest.raises(
        RuntimeError, match=r"[ab]\.csv: .* has ended, perhaps for lack"
    ):
        TextStore.from_csv(endless, path, n_jobs=2)
    thread.join()
    assert sorted(os.listdir(path.parent)) == ["a.csv", "b.csv"]


BUILD = """
import sys
from sktextconv import TextStore
TextStore.from_csv(sys.argv[3:], sys.argv[1], n_jobs=int(sys.argv[2]))
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_killed_build_keeps_old_store(endless, path, n_jobs):
    """If the caller is killed, the processes end too, and the old store stays."""
    TextStore.from_texts(["old"], path)
    build = subprocess.Popen([sys.executable, "-c", BUILD, path, str(n_jobs), *endless])

    def kill_build(out):
        build.kill()
        # The pipe has no reader any more once the processes have ended.
        with contextlib.suppress(BrokenPipeError):
            while True:
                out.write(b"1,a\n" * 1_000)

    thread = when_read(endless[1], kill_build)
    assert build.wait(600) == -signal.SIGKILL
    thread.join(60)
    assert not thread.is_alive()
    assert TextStore(path) == ["old"]


# -- several stores --------------------------------------------------------------------


def write_stores(folder, parts):
    return [
        TextStore.from_texts(texts, folder / f"{number}.texts")
        for number, texts in enumerate(parts)
    ]


@each_example
@given(parts=st.lists(ANY_TEXTS, min_size=1, max_size=4), data=st.data())
def test_concat_matches_list(tmp_path, parts, data):
    """A store of several stores is read and indexed as the list of all texts."""
    texts = [text for part in parts for text in part]
    store = TextStore.concat(write_stores(tmp_path, parts))
    assert list(store) == texts
    assert store == texts == TextStore.from_texts(texts, tmp_path / "one")
    assert store != [*texts, ""]
    assert (len(store), store.shape) == (len(texts), (len(texts),))
    assert [store[row] for row in range(len(texts))] == texts
    store.verify()
    key = data.draw(st.slices(len(texts)))
    assert store[key] == texts[key]
    if texts:
        rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9))
        assert store[rows] == [texts[row] for row in rows]
        assert store[key][::-1] == texts[key][::-1]
    mask = np.arange(len(texts)) % 2 == 1
    assert store[mask] == texts[1::2]


def test_concat_of_views_and_results(tmp_path):
    first, second = write_stores(tmp_path, [["a", "b", "c"], ["d", "e"]])
    store = TextStore.concat([first[[2, 0]], second[:0], second, first[::-1]])
    assert store == ["c", "a", "d", "e", "c", "b", "a"]
    again = TextStore.concat(part for part in (store[1:4], first))
    assert again == ["a", "d", "e", "a", "b", "c"]
    assert again[[5, 1]] == ["c", "d"]
    assert TextStore.concat([first]) == first


def test_concat_blocks_in_order(tmp_path):
    """Rows in any order, in more blocks than one, come from the right files."""
    texts = [str(number) for number in range(2_000)]
    ends = [0, 3, 700, 701, 1_500, 2_000]
    parts = [texts[start:end] for start, end in itertools.pairwise(ends)]
    store = TextStore.concat(write_stores(tmp_path, parts))
    rows = np.random.default_rng(0).permutation(2_000)
    assert list(store[rows]) == [texts[row] for row in rows]
    assert list(store[::-1]) == texts[::-1]


def test_concat_copies_no_texts(tmp_path):
    stores = write_stores(tmp_path, [[LONG_TEXT] * 2_000] * 2)
    files = sorted(os.listdir(tmp_path))
    store = TextStore.concat(stores)
    assert sorted(os.listdir(tmp_path)) == files
    assert peak_of(lambda: TextStore.concat(stores)) < 2e5
    assert peak_of(lambda: sum(map(len, store))) < 3e6
    assert store.paths == (tmp_path / "0.texts", tmp_path / "1.texts")
    assert repr(store) == f"<TextStore of 4,000 texts in {store.paths[0]} and 1 more>"
    assert stores[0].paths == (stores[0].path,)
    with pytest.raises(AttributeError, match=r"one file, got one of 2; read paths"):
        store.path  # noqa: B018


@pytest.mark.parametrize(
    ("stores", "error", "message"),
    [
        ([], ValueError, "at least one text store, got none"),
        ([["a"]], TypeError, "text stores, got list at index 0; write"),
        ("ab", TypeError, "text stores, got str at index 0"),
    ],
)
def test_concat_no_stores(stores, error, message):
    with pytest.raises(error, match=message):
        TextStore.concat(stores)


def test_concat_pickle_holds_paths_and_rows(tmp_path):
    store = TextStore.concat(write_stores(tmp_path, [[LONG_TEXT, "b"], ["c"]]))
    for part in (store, store[1:], store[[2, 0]], store[:0]):
        pickled = pickle.dumps(part)
        assert pickle.loads(pickled) == part
        assert len(pickled) < 1_000


def test_concat_lost_or_changed_file(tmp_path):
    """The error names the file of several that is not as it was."""
    store = TextStore.concat(write_stores(tmp_path, [["a"], ["b"]]))
    pickled = pickle.dumps(store[1:])
    whole = store.paths[1].read_bytes()
    TextStore.from_texts(["c"], store.paths[1])
    with pytest.raises(ValueError, match=r"1\.texts: expected the text store of this"):
        pickle.loads(pickled)
    store.paths[1].unlink()
    assert store == ["a", "b"]
    with pytest.raises(FileNotFoundError, match=r"no file .*1\.texts"):
        pickle.loads(pickled)
    store.paths[1].write_bytes(whole.replace(b"b", b"x"))
    loaded = pickle.loads(pickled)
    with pytest.raises(ValueError, match=r"1\.texts: expected .* wrong checksum"):
        loaded.verify()


def test_unpickle_state_of_one_file(path):
    """States of stores from before there were several files are still read."""
    TextStore.from_texts(["a", "b"], path)
    header = path.read_bytes()[:40]
    store = TextStore.__new__(TextStore)
    store.__setstate__({"path": str(path), "header": header, "rows": np.array([1])})
    assert store == ["b"]


# -- estimators ------------------------------------------------------------------------


@pytest.fixture
def several(corpus, tmp_path):
    texts, labels = corpus
    stores = write_stores(tmp_path, [texts[:5], texts[5:6], texts[6:]])
    return TextStore.concat(stores), labels


def test_network_same_bits_from_several_files(corpus, stored, several):
    options = {"early_stopping": True, "validation_fraction": 0.3, "max_epochs": 1}
    network = clone(NETWORKS["kimcnn"]).set_params(**options)
    ours, one, theirs = (
        clone(network).fit(*data).net_.module_.state_dict()
        for data in (several, stored, corpus)
    )
    for name, weights in theirs.items():
        assert np.array_equal(ours[name], weights)
        assert np.array_equal(one[name], weights)
