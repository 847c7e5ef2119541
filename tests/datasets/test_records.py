"""Recognition of delimiters and encodings, and the errors that name them."""

import csv
import io
import os
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv.datasets import read_csv
from sktextconv.datasets._unlabeled import open_lines, open_texts

from ..conftest import attempt

SECRET = "confidential"


def read_texts(path, text_columns=None, **options):
    """Return the texts of a file without its labels."""
    options = {"text_columns": text_columns, "header": False} | options
    with open_texts(path, **options) as (_, rows):
        return [text for text, _ in rows]


def read_lines(path, **options):
    """Return the lines of a file."""
    with open_lines(path, **options) as (_, rows):
        return [text for text, _ in rows]


def read_all(path, **options):
    """Return the labels and texts of a file."""
    found = read_csv(path, **options, header=False)
    labels = found.target
    if labels.dtype.kind == "i":
        labels = [found.target_names[label] for label in labels]
    return [*map(str, labels)], found.data


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


# -- delimiters ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        # tabs
        ("1\tso good\n2\tbad\n", "\t"),
        ("1\tso good, and\n2\tbad\n", "\t"),
        ("1\tso good, and\n2\tbad, too, long\n", "\t"),
        ("so good; or\tpos\nbad\tneg\n", "\t"),
        ("Sci/Tech\tso good\nWorld News\tbad\n", "\t"),
        ("a long title, this\tso good\nanother one\tbad\n", "\t"),
        ("b1\ta\ttext\nb1\tx\tgood\nb2\ty\tbad\n", "\t"),
        ('1\t"so\n\tgood"\n2\tbad\n', "\t"),
        ("\n\r\n1\tso good\n\n2\tbad\n", "\t"),
        ("1\tgood\n2\t\n", "\t"),
        # semicolons
        ("1;so good\n2;bad\n", ";"),
        ("1;so good, and\n2;bad, too, long\n", ";"),
        ("label;text\npos;so good, and\nneg;bad\n", ";"),
        ('"1";"so good; and, more"\n"2";"bad"\n', ";"),
        ('1;"; so good ;"\n2;bad\n', ";"),
        ("so good;pos\nbad;neg\n", ";"),
        # commas
        ("1,so good\n2,bad\n", ","),
        ("1,so good; and\n2,bad; too\n", ","),
        ("1,so;good\n2,bad;too\n3,bad\n", ","),
        ("1,so\tgood\n2,a bad one\tindeed it is so bad\n", ","),
        ('"1","so\tgood"\n"2","bad\ttoo"\n', ","),
        ("pos,so;good\n", ","),
        # both are possible
        ("1\tso good, and\n2\tbad, and\n", None),
        ("1,so;good\n2,bad;too\n", None),
        ("1\tgood,so\n2\tbad,too\n", None),
        ("1;so good, and\n", None),
        ("1; so good, and\n2; bad, and\n", None),
        ("so good;pos\tx\nbad;neg\ty\n", None),
        ("1; so good\n2; bad\n", None),
        ("1\tso good\n", None),
        ("1;so good\n", None),
        # other delimiters
        ("1|so good\n2|bad\n", None),
        ("1:so good\n2:bad\n", None),
    ],
)
def test_delimiter_recognized_or_error(tmp_path, content, delimiter):
    """The delimiter is the right one, or an error asks for it."""
    path = write(tmp_path / "a.csv", content)
    if delimiter is None:
        with pytest.raises(ValueError, match=r"a\.csv") as info:
            read_all(path)
        assert not any(text in str(info.value) for text in ("good", "bad"))
        return
    with path.open(encoding="utf-8", newline="") as file:
        expected = [cells for cells in csv.reader(file, delimiter=delimiter) if cells]
    labels, texts = read_all(path, strip=False)
    assert labels == [label for label, *_ in expected]
    assert texts == [" ".join(cells) for _, *cells in expected]
    assert read_all(path, strip=False, delimiter=delimiter) == (labels, texts)


@pytest.mark.parametrize(
    "content",
    [
        "so good\nbad\n",
        "so good ;)\nbad ;)\n",
        "It#39;s good\n",
        "I like it; really\n",
        "one; two\nand three; but; four\n",
        "so\tgood\nbad\n",
        "ends in a tab\t\n",
        "&lt;b&gt;good\nbad\n",
        "only one;\n",
    ],
)
def test_single_column_with_semicolons_or_tabs(tmp_path, content):
    """Sentences with a semicolon or tab are no columns."""
    path = write(tmp_path / "a.csv", content)
    expected = [line.strip() for line in content.splitlines()]
    assert (read_texts(path)) == expected


@pytest.mark.parametrize(
    "content",
    [
        "I like it; really\nbad; boring\nso; so\n",
        "great ;)\nbad ;)\nfine ;)\n",
        "AT&amp;T\nB&amp;W\nC&amp;A\n",
        "good; or\nbad; so\n",
    ],
)
def test_single_column_that_may_be_a_table(tmp_path, content):
    """If a column of texts can be a table too, an error asks for the delimiter."""
    path = write(tmp_path / "a.csv", content)
    with pytest.raises(ValueError, match=r"pass delimiter=';', or delimiter=','"):
        (read_texts(path))
    texts = read_texts(path, delimiter=",")
    assert list(texts) == content.splitlines()


@pytest.mark.parametrize("right", [",", ";", "\t", "|"])
@pytest.mark.parametrize("given", [",", ";", "\t", "|", None])
def test_wrong_delimiter_names_the_right_one(tmp_path, right, given):
    content = f"label{right}text\n1{right}so good\n2{right}{SECRET}\n"
    path = write(tmp_path / "a.csv", content)
    if given == right or (given is None and right != "|"):
        found = read_csv(path, delimiter=given, header=True)
        assert found.data == ["so good", SECRET]
        return
    with pytest.raises(ValueError, match=r"a\.csv") as info:
        read_csv(path, delimiter=given, header=True)
    assert f"delimiter={right!r}" in str(info.value)
    assert SECRET not in str(info.value)


def test_wrong_number_of_columns_names_delimiter(tmp_path):
    path = write(tmp_path / "a.csv", "1|a, b\n2|c, d\n3|d\n")
    with pytest.raises(ValueError, match=r"line 3: expected 2 .* delimiter='\|'"):
        read_csv(path)


def test_delimiter_beyond_the_first_lines(tmp_path):
    """A record with another number of columns, after the first lines, is an error."""
    path = write(tmp_path / "a.tsv", "1\tgood\n" * 5000 + "2\tbad\tx\n")
    with pytest.raises(ValueError, match=r"line 5001: expected 2 columns .* got 3"):
        read_csv(path)


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n", "\r", 3, b";"])
def test_invalid_delimiter(tmp_path, delimiter):
    path = write(tmp_path / "a.csv", "1,a\n")
    with pytest.raises(ValueError, match="Expected delimiter to be one character"):
        read_csv(path, delimiter=delimiter)


def test_delimiter_of_long_records(tmp_path):
    """The sample of the first lines may end inside a record."""
    cell = '"' + "so, good\n" * 400 + '"'
    path = write(tmp_path / "a.tsv", f"1\tbad\n2\tbad\n1\t{cell}\n")
    assert read_csv(path, strip=False).data == ["bad", "bad", "so, good\n" * 400]


WORDS = st.lists(st.sampled_from(["so", "bad,", "a", "it;", "(b)", ";)", "\t", "é"]))
TABLE = st.lists(st.tuples(st.sampled_from(["1", "b c", "-1.5"]), WORDS), min_size=3)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(table=TABLE, delimiter=st.sampled_from(",;\t"), turned=st.booleans())
def test_table_is_read_right_or_not_at_all(tmp_path, table, delimiter, turned):
    """A table of labels and sentences is read as it was written, or is an error."""
    path = tmp_path / "a.csv"
    rows = [[label, " ".join([*words, "the film."])] for label, words in table]
    with path.open("w", encoding="utf-8", newline="") as file:
        written = [row[::-1] for row in rows] if turned else rows
        csv.writer(file, delimiter=delimiter).writerows(written)
    found, error = attempt(
        read_all, path, strip=False, label_column=-1 if turned else 0
    )
    if error is None:
        assert list(zip(*found, strict=True)) == [tuple(row) for row in rows]
    else:
        assert delimiter != ","
        assert isinstance(error, ValueError)


# -- encodings -----------------------------------------------------------------

ENGLISH = "1,so good – a “fine” film\n2,the naïve façade of a bore\n"
TEXTS = {
    "cp1252": ENGLISH,
    "latin-1": "1,un été à la montagne\n2,quel ennui\x81\n",
    "cp1251": "1,очень хорошо\n2,плохо\n",
    "shift_jis": "1,日本の映画が好きです\n2,嫌い\n",
    "gb18030": "1,这部电影很好看\n2,不好\n",
    "euc_kr": "1,좋은 영화입니다\n2,나쁜\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_error_suggests_encoding(tmp_path, encoding):
    """The error names an encoding that reads the file, and no text."""
    content = TEXTS[encoding]
    path = write(tmp_path / "a.csv", content, encoding)
    with pytest.raises(ValueError, match=r"a\.csv, line 1: expected UTF-8") as info:
        read_csv(path)
    assert f"encoding={encoding!r}" in str(info.value)
    lines = content.splitlines()
    assert read_csv(path, encoding=encoding).data == [line[2:] for line in lines]
    assert (read_lines(path, encoding=encoding)) == lines
    with pytest.raises(ValueError, match=rf"encoding={encoding!r}"):
        (read_lines(path))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be", "utf-16"])
def test_given_wide_encoding(tmp_path, encoding):
    path = write(tmp_path / "a.csv", ENGLISH, encoding)
    expected = [line[2:] for line in ENGLISH.splitlines()]
    assert read_csv(path, encoding=encoding).data == expected
    if encoding != "utf-16":  # which has a byte-order mark
        with pytest.raises(ValueError, match=rf"a\.csv, line 1: .*'{encoding}'"):
            read_csv(path)


@pytest.mark.parametrize("given", ["cp1252", "ascii", "utf-16", "shift_jis"])
def test_wrong_encoding_names_utf8(tmp_path, given):
    path = write(tmp_path / "a.csv", "1,à\u0410\u0441\n2,б\U0001f600\x81\n" * 30 + "x")
    with pytest.raises(ValueError, match=r"a\.csv.*encoding='utf-8'"):
        read_csv(path, encoding=given)


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_encoding_against_byte_order_mark(tmp_path, mark):
    path = write(tmp_path / "a.csv", ENGLISH, mark)
    with pytest.raises(ValueError, match=r"a\.csv: .* byte-order mark of UTF-"):
        read_csv(path, encoding="cp1252")


def test_undecodable_line_in_utf8_file(tmp_path):
    """One damaged line in a file of UTF-8 is no reason for another encoding."""
    path = write(tmp_path / "a.csv", "1,été à\n" * 9)
    path.write_bytes(path.read_bytes() + b"2,\xe9\n")
    with pytest.raises(ValueError, match=r"line 10: .* repair or remove") as info:
        read_csv(path)
    assert "encoding=" not in str(info.value)


def test_undecodable_line_number_in_utf16(tmp_path):
    path = tmp_path / "a.csv"
    content = "\ufeff" + "1,é\n" * 5000
    path.write_bytes(content.encode("utf-16-le") + b"2\0,\0\0\xd8a\0\n\0")
    with pytest.raises(ValueError, match=r"line 5001: expected UTF-16"):
        read_csv(path)


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "", "a\0b", 3])
def test_invalid_encoding(tmp_path, encoding):
    path = write(tmp_path / "a.csv", "1,a\n")
    with pytest.raises(ValueError, match="Expected encoding to be the name"):
        read_csv(path, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_standard_input_with_byte_order_mark(monkeypatch, encoding):
    """The encoding and the delimiter of a pipe are recognized too."""
    content = "\ufeff1\tà, b\n2\tc\n".encode(f"{encoding}-le".replace("8-le", "8"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_csv("-").data == ["à, b", "c"]
    assert not sys.stdin.buffer.closed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of Unix")
def test_named_pipe(tmp_path):
    """A pipe is read once, also where an error has to be explained."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for content, found in [(b"1\ta, b\n2\tc\n", ["a, b", "c"]), (b"1,\xff\n", None)]:
        writer = threading.Thread(target=path.write_bytes, args=[content])
        writer.start()
        if found:
            assert read_csv(path).data == found
        else:
            with pytest.raises(ValueError, match="expected UTF-8, got the byte 0xff"):
                read_csv(path)
        writer.join()
