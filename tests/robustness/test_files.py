"""Damaged, hostile and huge files: read correctly, or rejected by an error."""

import csv
import gzip
import io
import lzma
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

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
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def slow_records(text):
    """Return the cells of each record of a CSV file, or None if quotes are broken.

    This reference reads one character at a time.
    """
    records, cells, at = [], [], 0
    while at < len(text):
        cell, quoted = "", text[at] == '"'
        if quoted:
            at += 1
            while at < len(text) and (text[at] != '"' or text[at + 1 : at + 2] == '"'):
                cell += text[at]
                at += 2 if text[at] == '"' else 1
            if at == len(text):
                return None  # the quote is not closed
            at += 1
            if at < len(text) and text[at] not in ",\r\n":
                return None  # text between a quote and a comma
        while at < len(text) and text[at] not in ",\r\n":
            cell += text[at]
            at += 1
        cells.append(cell)
        if text[at : at + 1] == ",":
            at += 1
            if at < len(text):
                continue
            cells.append("")
        if quoted or cells != [""]:  # blank lines are skipped
            records.append(cells)
        cells = []
        at += 2 if text[at : at + 2] == "\r\n" else 1
    return records


def slow_read_csv(text):
    """Return texts and labels of a file without header, or None if it is invalid."""
    records = slow_records(text.removeprefix("\ufeff"))
    n_columns = {len(cells) for cells in records or ()}
    if len(n_columns) != 1 or n_columns == {1}:
        return None
    labels = [label.strip() for label, *_ in records]
    if not all(labels) or any(x[0] in '"\ufeff' or "\0" in x for x in labels):
        return None
    return [" ".join(cells[1:]) for cells in records], labels


HOSTILE = st.text(
    st.sampled_from('"""",,,\n\n\r ab12\0\ufeff\x85\u2028\\é'), max_size=25
)
# Most of these cells are valid, so that many files are valid too.
QUOTED = HOSTILE.map(lambda cell: '"{}"'.format(cell.replace('"', '""')))
CELLS = st.sampled_from(["a", "b", '"a"', ' "b"', "\ufeffa"]) | QUOTED | HOSTILE
ROWS = st.builds("{},{}{}".format, CELLS, CELLS, st.sampled_from(["\n", "\r\n", "\r"]))


@each_example
@given(content=HOSTILE | st.lists(ROWS, max_size=4).map("".join))
def test_read_csv_equals_slow_reader(tmp_path, content):
    """Any text is read as the slow reader reads it, or an error names the file."""
    path = tmp_path / "hostile.csv"
    path.write_bytes(content.encode())
    expected = slow_read_csv(content)
    for header in (False, "auto"):
        options = {"header": header, "line_breaks": False, "strip": False}
        found, error = attempt(read_csv, path, **options)
        if error:
            assert isinstance(error, ValueError)
            assert "hostile.csv" in str(error)
            is_open = header == "auto" and "cannot tell which" in str(error)
            assert expected is None or is_open
            continue
        texts, labels = expected
        assert found.data == texts
        encoded, names = found.target.dtype.kind == "i", np.array(found.target_names)
        assert (names[found.target] if encoded else found.target).tolist() == labels


@each_example
@given(
    content=st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]":,;\t\n1a_ é'), max_size=40).map(str.encode)
    | st.text(max_size=20).map(lambda text: text.encode("utf-16", "replace"))
)
def test_read_csv_of_any_bytes(tmp_path, content):
    """Any bytes are read, or `ValueError` names the file."""
    for name in ("any.csv", "any.csv.gz", "any.csv.xz", "any.jsonl", "any.parquet"):
        named = tmp_path / name
        named.write_bytes(content)
        found, error = attempt(read_csv, named)
        assert found is not None or (
            type(error) is ValueError and str(named) in str(error)
        )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("inside", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x1c"])
def test_line_breaks_in_quoted_cells(tmp_path, end, inside):
    """Lines may end in any line break, and quoted cells may hold any."""
    path = tmp_path / "a.csv"
    path.write_bytes(f'1,"a{inside}b"{end}2,c{end}'.encode())
    assert read_csv(path).data == [f"a{inside}b", "c"]


@pytest.mark.parametrize("inside", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_unicode_line_breaks_without_quotes(tmp_path, inside):
    """Characters at which only `str.splitlines` breaks lines need no quotes."""
    path = tmp_path / "a.csv"
    path.write_text(f"1,a{inside}b\n2,c\n", encoding="utf-8", newline="")
    assert read_csv(path).data == [f"a{inside}b", "c"]


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ('"1","é"\n', "latin-1", "line 1: expected UTF-8, got the byte 0xe9"),
        ('"1","a"\n"2","“b”"\n', "cp1252", "line 2: expected UTF-8, got the byte 0x93"),
        ("1,a\n2,b\n", "utf-16-le", "line 1: .*UTF-8, got .*encoding='utf-16-le'"),
        ("1,a\n2,b\n", "utf-16-be", "line 1: .*UTF-8, got .*encoding='utf-16-be'"),
        ("1,a\n2,b\n", "utf-32-le", "line 1: .*UTF-8, got .*encoding='utf-32-le'"),
        ('"1","日本"\n', "shift-jis", "line 1: expected UTF-8, got the byte 0x93"),
    ],
)
def test_read_csv_with_other_encoding(tmp_path, content, encoding, message):
    """The error names the line and the first byte or label that is not UTF-8."""
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
def test_label_with_quote_or_byte_order_mark(tmp_path, content):
    """A label with a stray quote, NUL or byte order mark raises `ValueError`."""
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(ValueError, match=r"a\.csv, line 2: expected a label without"):
        read_csv(path)


def test_columns_as_numpy_integers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,1,y\nz,2,w\n")
    columns = {"label_column": np.int64(1), "text_columns": np.int64(2)}
    assert read_csv(path, **columns).data == ["y", "w"]


# -- compressed files ---------------------------------------------------------

HALVES = [b'"1","one, and more of it"\n' * 3, b'"2","two"\n' * 4]
WHOLE = ["one, and more of it"] * 3 + ["two"] * 4


@pytest.mark.parametrize("suffix", COMPRESS)
def test_concatenated_compressed_files(tmp_path, suffix):
    """Compressed files one after another, also with padding, are read as one."""
    path = tmp_path / f"a.csv{suffix}"
    pieces = list(map(COMPRESS[suffix], HALVES))
    for padding in (b"", bytes(4), bytes(400_000)):
        path.write_bytes(padding.join(pieces) + padding)
        assert read_csv(path).data == WHOLE


@pytest.mark.parametrize("suffix", COMPRESS)
def test_damaged_compressed_file(tmp_path, suffix):
    """Truncated files and flipped bits raise an error or change no text."""
    path = tmp_path / f"a.csv{suffix}"
    first, second = map(COMPRESS[suffix], HALVES)
    both, n_rejected = first + second, 0
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
            n_rejected += 1
        else:
            assert found.data == WHOLE  # the name or date in the header changed
    assert n_rejected > 0.8 * len(damaged)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("content", [b"\0" * 10**7, b'"1","a"\n' * 10**6])
def test_decompression_limit(tmp_path, monkeypatch, suffix, content):
    """A file that expands beyond the limit raises an error and leaves no store."""
    monkeypatch.setattr(_compressed, "_ALWAYS_ALLOWED", 10**6)
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](content))
    most = max(10**6, 100 * path.stat().st_size)
    assert most < len(content)
    for read in (read_csv, lambda path: TextStore.from_csv(path, tmp_path / "store")):
        with pytest.raises(ValueError, match=rf"a\.csv.*at most {most:,} bytes"):
            read(path)
    assert names_in(tmp_path) == [path.name]


def test_documented_decompression_limit(tmp_path):
    """The limit is 1 GB or 100 times the compressed size, as documented."""
    path = tmp_path / "a.gz"
    path.write_bytes(bytes(10))
    assert _compressed.max_bytes(path) == 1_000_000_000
    with path.open("r+b") as file:
        file.truncate(50_000_000)
    assert _compressed.max_bytes(path) == 100 * 50_000_000
    assert "compressed file may expand to 100 times its size or to 1 GB" in (
        " ".join(read_csv.__doc__.split())
    )


# -- archives of data sets ----------------------------------------------------


def device_member(kind):
    """Return a member of an archive that is a device."""
    info = tarfile.TarInfo("tiny_csv/train.csv")
    info.type, info.devmajor, info.devminor = kind, 1, 5  # /dev/zero
    return info, b""


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_archive_with_device(server, tmp_path, kind):
    """Devices are not unpacked: the download fails and leaves only the archive."""
    source = make_source(server, make_tar([device_member(kind), *TINY]))
    with pytest.raises(ValueError, match="nothing was unpacked"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


@pytest.mark.parametrize("again", ["tiny_csv/train.csv", "other/train.csv"])
def test_archive_with_duplicate_file(server, tmp_path, again):
    source = make_source(server, make_tar([*TINY, (again, b'"1","x","y"\n')]))
    with pytest.raises(ValueError, match=f"a second one with '{again}'; nothing was"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_archive_with_duplicate_text(server, tmp_path):
    members = [("acl/train/pos/1_9.txt", b"p"), ("acl/train/neg/1_1.txt", b"n")]
    tar = make_tar([*members, ("acl/train/pos/1_9.txt", b"other")])
    source = make_source(server, tar, folders=("neg", "pos"), fields=("text",))
    with pytest.raises(ValueError, match=r"a second one with 'acl/train/pos/1_9\.txt"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_archive_decompression_limit(server, tmp_path, monkeypatch):
    """An archive that expands beyond the limit is not unpacked."""
    monkeypatch.setattr(_compressed, "_ALWAYS_ALLOWED", 10**6)
    source = make_source(
        server, make_tar([*TINY, ("tiny_csv/zeros", bytes(3 * 10**6))])
    )
    with pytest.raises(ValueError, match=r"at most 1,000,000 bytes .*'tiny_csv/zeros'"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_archive_with_sparse_file(server, tmp_path):
    """A sparse file counts with its full size, not with its size in the archive."""
    # The header states a terabyte of zeros, of which the archive holds none.
    info = tarfile.TarInfo("tiny_csv/train.csv")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = tarfile.itn(10**12, 12, tarfile.GNU_FORMAT)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    tar = gzip.compress(bytes(header) + gzip.decompress(make_tar(TINY)))
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        assert opened.next().size == 10**12
    source = make_source(server, tar)
    with pytest.raises(ValueError, match="at most 1,000,000,000 bytes"):
        fetch(source, tmp_path)
    assert names_in(tmp_path) == ["tiny.tgz"]


def test_csv_module_equals_slow_records():
    texts = ('1,"a""b"\n2,c', "1,\n,", 'a"b,c\r\rd,""\n', '"a"b', '"a', "\n\n", '""\n1')
    for text in texts:
        try:
            expected = [c for c in csv.reader(io.StringIO(text, ""), strict=True) if c]
        except csv.Error:
            expected = None
        assert slow_records(text) == expected
