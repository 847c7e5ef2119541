"""Files that are damaged, mean or without end are read right, or refused by name."""

import csv
import gzip
import io
import lzma
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sktextconv import TextStore, read_csv
from sktextconv.datasets import _compressed

from ..conftest import attempt
from ..datasets.test_fetch import (
    TINY,
    fetch,
    make_source,
    make_tar,
    names_in,
    server,
)

__all__ = ["server"]  # a fixture

COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress}
each_example = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def slow_records(text):
    """Cells of each record, one character at a time; None if quotes are broken."""
    records, cells, at = [], [], 0
    while at < len(text):
        cell, quoted = "", text[at] == '"'
        if quoted:
            at += 1
            while at < len(text) and (text[at] != '"' or text[at + 1 : at + 2] == '"'):
                cell += text[at]
                at += 2 if text[at] == '"' else 1
            if at == len(text):
                return None  # never closed
            at += 1
            if at < len(text) and text[at] not in ",\r\n":
                return None  # something between a quote and a comma
        while at < len(text) and text[at] not in ",\r\n":
            cell += text[at]
            at += 1
        cells.append(cell)
        if text[at : at + 1] == ",":
            at += 1
            if at < len(text):
                continue
            cells.append("")
        if quoted or cells != [""]:
            records.append(cells)  # it is no blank line
        cells = []
        at += 2 if text[at : at + 2] == "\r\n" else 1
    return records


def read_slowly(text):
    """Texts and labels of a file without header, or None if it is to be refused."""
    records = slow_records(text.removeprefix("\ufeff"))
    n_columns = {len(cells) for cells in records or ()}
    if len(n_columns) != 1 or n_columns == {1}:
        return None
    labels = [label.strip() for label, *_ in records]
    if not all(labels) or any(x[0] in '"\ufeff' or "\0" in x for x in labels):
        return None
    return [" ".join(cells[1:]) for cells in records], labels


MEAN = st.text(st.sampled_from('"""",,,\n\n\r ab12\0\ufeff\x85\u2028\\é'), max_size=25)
# Cells that are mostly right, so that not all files are refused.
QUOTED = MEAN.map(lambda cell: '"{}"'.format(cell.replace('"', '""')))
CELLS = st.sampled_from(["a", "b", '"a"', ' "b"', "\ufeffa"]) | QUOTED | MEAN
ROWS = st.builds("{},{}{}".format, CELLS, CELLS, st.sampled_from(["\n", "\r\n", "\r"]))


@each_example
@given(content=MEAN | st.lists(ROWS, max_size=4).map("".join))
def test_a_file_is_read_by_the_rules_or_refused_by_name(tmp_path, content):
    path = tmp_path / "mean.csv"
    path.write_bytes(content.encode())
    expected = read_slowly(content)
    found, error = attempt(read_csv, path, line_breaks=False, strip=False)
    if error:
        assert isinstance(error, ValueError)
        assert "mean.csv" in str(error)
        assert expected is None or "pass header=True" in str(error)
        return
    texts, labels = expected
    assert found.data == texts
    codes, names = found.target.dtype.kind == "i", np.array(found.target_names)
    assert (names[found.target] if codes else found.target).tolist() == labels


@each_example
@given(content=st.binary(max_size=60))
def test_any_bytes_are_texts_or_refused_by_name(tmp_path, content):
    path = tmp_path / "any.csv"
    for suffix in ("", ".gz", ".xz"):
        named = path.with_name(f"any.csv{suffix}")
        named.write_bytes(content)
        found, error = attempt(read_csv, named)
        assert found is not None or (
            type(error) is ValueError and str(named) in str(error)
        )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inside", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x1c"])
def test_lines_may_end_in_any_way_and_cells_hold_any_break(tmp_path, end, inside):
    path = tmp_path / "a.csv"
    path.write_bytes(f'1,"a{inside}b"{end}2,c{end}'.encode())
    assert read_csv(path).data == [f"a{inside}b", "c"]


@pytest.mark.parametrize("inside", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_what_is_a_break_to_others_needs_no_quotes(tmp_path, inside):
    path = tmp_path / "a.csv"
    path.write_text(f"1,a{inside}b\n2,c\n", encoding="utf-8", newline="")
    assert read_csv(path).data == [f"a{inside}b", "c"]


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ('"1","é"\n', "latin-1", "line 1: expected UTF-8, got the byte 0xe9"),
        ('"1","a"\n"2","“b”"\n', "cp1252", "line 2: expected UTF-8, got the byte 0x93"),
        ('"1","é"\n', "utf-16", "line 1: expected UTF-8, got the byte 0xff"),
        ("1,a\n2,b\n", "utf-16-le", r"column 0, got '1\\x00'; .* save the file as UTF"),
        ("1,a\n2,b\n", "utf-16-be", r"column 0, got '\\x001\\x00'; .* the file as UTF"),
        ("1,a\n2,b\n", "utf-32-le", r"column 0, got '1\\x00\\x00\\x00'; .* as UTF-8"),
        ('"1","日本"\n', "shift-jis", "line 1: expected UTF-8, got the byte 0x93"),
    ],
)
def test_other_encodings_are_told(tmp_path, content, encoding, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode(encoding))
    with pytest.raises(ValueError, match=message):
        read_csv(path)


@pytest.mark.parametrize(
    "content",
    [
        '"2","a"\n\ufeff"1","b"\n',  # two files with byte order marks, end to end
        '\ufeff"2","a"\n\ufeff"1","b"\n',
        "2,a\n\ufeff1,b\n",
        '"2","a"\n "1","b"\n',  # a space before the quote
        '2,a\n1\0,b\n"1",c\n',
    ],
)
def test_a_label_with_what_is_none_of_its_own_makes_no_class(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(ValueError, match=r"a\.csv, line 2: expected a label without"):
        read_csv(path)


def test_columns_are_chosen_by_numbers_of_numpy_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,1,y\nz,2,w\n")
    how = {"label_column": np.int64(1), "text_columns": np.int64(2)}
    assert read_csv(path, **how).data == ["y", "w"]


# -- compressed files ---------------------------------------------------------------

HALVES = [b'"1","one, and more of it"\n' * 3, b'"2","two"\n' * 4]
WHOLE = ["one, and more of it"] * 3 + ["two"] * 4


@pytest.mark.parametrize("suffix", COMPRESS)
def test_files_end_to_end_are_one(tmp_path, suffix):
    path = tmp_path / f"a.csv{suffix}"
    pieces = list(map(COMPRESS[suffix], HALVES))
    for padding in (b"", bytes(4), bytes(400_000)):
        path.write_bytes(padding.join(pieces) + padding)
        assert read_csv(path).data == WHOLE


@pytest.mark.parametrize("suffix", COMPRESS)
def test_no_cut_and_no_changed_bit_loses_a_text(tmp_path, suffix):
    path = tmp_path / f"a.csv{suffix}"
    first, second = map(COMPRESS[suffix], HALVES)
    both, n_refused = first + second, 0
    damaged = [both[:size] for size in range(len(both)) if size != len(first)]
    for at in range(len(both)):
        for bit in (1, 2, 16, 128):
            changed = bytes([both[at] ^ bit])
            damaged.append(both[:at] + changed + both[at + 1 :])
    damaged += [both + b"x", both + b"\0x", first + b"garbage" + second]
    for content in damaged:
        path.write_bytes(content)
        found, error = attempt(read_csv, path)
        if error:
            assert isinstance(error, ValueError)
            assert str(path) in str(error)
            n_refused += 1
        else:
            assert found.data == WHOLE  # a name or a date was changed, in the head
    assert n_refused > 0.8 * len(damaged)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("content", [b"\0" * 10**7, b'"1","a"\n' * 10**6])
def test_what_expands_without_measure_is_refused(
    tmp_path, monkeypatch, suffix, content
):
    monkeypatch.setattr(_compressed, "_ALWAYS_ALLOWED", 10**6)
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](content))
    most = max(10**6, 100 * path.stat().st_size)
    assert most < len(content)
    for read in (read_csv, lambda path: TextStore.from_csv(path, tmp_path / "store")):
        with pytest.raises(ValueError, match=rf"a\.csv.*at most {most:,} bytes"):
            read(path)
    assert names_in(tmp_path) == [path.name]


def test_the_limit_is_that_of_the_documentation(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(bytes(10))
    assert _compressed.max_bytes(path) == 1_000_000_000
    with path.open("r+b") as file:
        file.truncate(50_000_000)
    assert _compressed.max_bytes(path) == 100 * 50_000_000
    assert "100 times the size of a compressed file is read, or 1 GB" in (
        " ".join(read_csv.__doc__.split())
    )


# -- archives of data sets ------------------------------------------------------------


def special(kind):
    info = tarfile.TarInfo("tiny_csv/train.csv")
    info.type, info.devmajor, info.devminor = kind, 1, 5  # /dev/zero
    return info, b""


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_devices_are_not_unpacked(server, tmp_path, kind):
    source = make_source(server, make_tar([special(kind), *TINY]))
    with pytest.raises(ValueError, match="nothing was unpacked"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


@pytest.mark.parametrize("again", ["tiny_csv/train.csv", "other/train.csv"])
def test_a_file_that_comes_twice_is_refused(server, tmp_path, again):
    source = make_source(server, make_tar([*TINY, (again, b'"1","x","y"\n')]))
    with pytest.raises(ValueError, match=f"a second one with '{again}'; nothing was"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_a_text_that_comes_twice_is_refused(server, tmp_path):
    members = [("acl/train/pos/1_9.txt", b"p"), ("acl/train/neg/1_1.txt", b"n")]
    tar = make_tar([*members, ("acl/train/pos/1_9.txt", b"other")])
    source = make_source(server, tar, folders=("neg", "pos"), fields=("text",))
    with pytest.raises(ValueError, match=r"a second one with 'acl/train/pos/1_9\.txt"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_an_archive_that_expands_without_measure_is_refused(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(_compressed, "_ALWAYS_ALLOWED", 10**6)
    source = make_source(
        server, make_tar([*TINY, ("tiny_csv/zeros", bytes(3 * 10**6))])
    )
    with pytest.raises(ValueError, match=r"at most 1,000,000 bytes .*'tiny_csv/zeros'"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_a_sparse_file_counts_as_long_as_it_says(server, tmp_path):
    # A head that promises a terabyte of zeros, and no byte of them.
    info = tarfile.TarInfo("tiny_csv/train.csv")
    info.type = tarfile.GNUTYPE_SPARSE
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[483:495] = tarfile.itn(10**12, 12, tarfile.GNU_FORMAT)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    tar = gzip.compress(bytes(head) + gzip.decompress(make_tar(TINY)))
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        assert opened.next().size == 10**12
    source = make_source(server, tar)
    with pytest.raises(ValueError, match="at most 1,000,000,000 bytes"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_csv_itself_agrees_with_the_slow_rules():
    texts = ('1,"a""b"\n2,c', "1,\n,", 'a"b,c\r\rd,""\n', '"a"b', '"a', "\n\n", '""\n1')
    for text in texts:
        try:
            expected = [c for c in csv.reader(io.StringIO(text, ""), strict=True) if c]
        except csv.Error:
            expected = None
        assert slow_records(text) == expected
