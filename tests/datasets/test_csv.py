"""CSV files of labeled texts."""

import csv
import gzip
import lzma
import re
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv.datasets import read_csv


def write_dialect(path, rows):
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return path


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('""', ""),
        ('" a ""quoted"" word "', 'a "quoted" word'),
        ('""""', '"'),
        ('"\\"', "\\"),
        ('"ends in \\"', "ends in \\"),
        ('"a\\b"', "a\\b"),
        ('"one\\ntwo"', "one\ntwo"),
        ('"\\n edge \\n"', "edge"),
        ('"one\ntwo"', "one\ntwo"),
        ('"one\r\ntwo"', "one\r\ntwo"),
        ('"NA"', "NA"),
        ('"null"', "null"),
        ('"None"', "None"),
        ('"nan"', "nan"),
        ('"1e5"', "1e5"),
        ('"a,b;c\td"', "a,b;c\td"),
        ('"\u2028a\u2028b\u2029"', "\u2028a\u2028b\u2029"),
        ('"a\x85b\x0bc\x1cd"', "a\x85b\x0bc\x1cd"),
        ('"\xa0kept\xa0"', "\xa0kept\xa0"),
        ('"\U0001f600 caf\xe9"', "\U0001f600 caf\xe9"),
        ('"a\x00b"', "a\x00b"),
        ('"#37;"', "#37;"),
        ("bare", "bare"),
        ('"' + "x" * 200_000 + '"', "x" * 200_000),
    ],
)
def test_read_csv_special_cells(tmp_path, cell, text):
    path = tmp_path / "special.csv"
    path.write_bytes(f'"1",{cell}\n"2","other"\n'.encode())
    assert read_csv(path).data == [text, "other"]


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows = st.integers(1, 3).flatmap(
    lambda n_fields: st.lists(
        st.tuples(st.sampled_from("123"), *[cells] * n_fields), min_size=1, max_size=8
    )
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=rows)
def test_read_csv_round_trip(tmp_path, rows):
    path = write_dialect(tmp_path / "any.csv", rows)
    names = ["a", "b", "c"]
    raw = read_csv(
        path, header=False, class_names=names, line_breaks=False, strip=False
    )
    assert raw.data == [" ".join(fields) for _, *fields in rows]
    assert raw.target.tolist() == [int(label) - 1 for label, *_ in rows]
    # This is an independent implementation of the authors' converter.
    ends = re.compile(r"\A[ \t\n\v\f\r]+|[ \t\n\v\f\r]+\Z")
    converted = [
        [ends.sub("", re.sub(r"\\n", "\n", field)) for field in fields]
        for _, *fields in rows
    ]
    bunch = read_csv(path, header=False, class_names=names)
    assert bunch.data == [" ".join(fields) for fields in converted]
    backwards = read_csv(path, header=False, class_names=names, field_order="reverse")
    assert backwards.data == [" ".join(fields[::-1]) for fields in converted]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_read_csv_compressed(tmp_path, suffix):
    content = b'"2","Title","b\\nc"\n"1","","d"\n'
    compress = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[suffix]
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(compress(content))
    bunch = read_csv(str(path))
    assert bunch.data == ["Title b\nc", " d"]
    assert bunch.target.tolist() == [1, 0]
    assert read_csv(path, field_order="reverse").data == ["b\nc Title", "d "]


def test_read_csv_without_line_breaks_or_strip(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"1"," a\\nb "\n"2","c"\n')
    assert read_csv(path, line_breaks=False).data[0] == "a\\nb"
    assert read_csv(path, strip=False).data[0] == " a\nb "


def test_read_csv_ignores_bom_and_blank_lines(tmp_path):
    """A byte order mark, blank lines and a missing final line break are ignored."""
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbf\r\n"1","a"\r\n\r\n"2","b"')
    assert read_csv(path).data == ["a", "b"]


def test_read_csv_restores_field_size_limit(tmp_path):
    """The limit of the csv module is restored after an error, too."""
    limit = csv.field_size_limit()
    path = tmp_path / "a.csv"
    path.write_text('"1","' + "x" * 200_000 + '"\n"2","b"\n')
    read_csv(path)
    assert csv.field_size_limit() == limit
    path.write_text('"1","a"\n"2"\n"1","b"\n')
    with pytest.raises(ValueError, match="columns"):
        read_csv(path)
    assert csv.field_size_limit() == limit
    try:
        read_csv(path)
    except ValueError:
        # The lock is released, although the error is still being handled.
        path.write_text('"1","' + "x" * 200_000 + '"\n')
        assert len(read_csv(path).data[0]) == 200_000


def test_read_csv_threads_with_long_cells(tmp_path):
    path = write_dialect(tmp_path / "a.csv", [["1", "x" * 150_000]] * 20)
    found, limit = [], csv.field_size_limit()
    threads = [
        threading.Thread(target=lambda: found.append(len(read_csv(path).data)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20] * 8
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("labels", "target", "target_names"),
    [
        (["2", "1", "2"], [1, 0, 1], ["1", "2"]),
        ([str(k) for k in range(12, 0, -1)], range(11, -1, -1), range(1, 13)),
        (["spam", "ham", "spam"], ["spam", "ham", "spam"], ["ham", "spam"]),
        (["0", "1", "0"], ["0", "1", "0"], ["0", "1"]),
        (["1", "3", "1"], ["1", "3", "1"], ["1", "3"]),
        (["1", "1", "1"], ["1", "1", "1"], ["1"]),
        (["01", "02", "01"], ["01", "02", "01"], ["01", "02"]),
        ([" pos ", "neg", "pos"], ["pos", "neg", "pos"], ["neg", "pos"]),
        (["NA", "null", "None"], ["NA", "null", "None"], ["NA", "None", "null"]),
    ],
)
def test_read_csv_label_types(tmp_path, labels, target, target_names):
    """Labels 1 to K become integers from 0; all others stay str."""
    path = write_dialect(tmp_path / "a.csv", [[label, "text"] for label in labels])
    bunch = read_csv(path, header=False)
    assert bunch.target.tolist() == list(target)
    assert bunch.target.dtype.kind == ("U" if isinstance(target[0], str) else "i")
    assert bunch.target_names == [str(name) for name in target_names]


def test_read_csv_class_names_with_absent_class(tmp_path):
    path = write_dialect(tmp_path / "a.csv", [["3", "a"], ["1", "b"]])
    bunch = read_csv(path, class_names=("low", "middle", "high"))
    assert bunch.target.dtype == np.int64
    assert bunch.target.tolist() == [2, 0]
    assert bunch.target_names == ["low", "middle", "high"]


@pytest.mark.parametrize("label", ["4", "0", "-1", "1.0", "world", "01", "\u0661"])
def test_read_csv_label_outside_class_names(tmp_path, label):
    """The error names the line and quotes the label."""
    path = write_dialect(tmp_path / "a.csv", [["1", "a\nb"], [label, "b"]])
    with pytest.raises(ValueError, match=r"a\.csv, line 3: .* 1 to 3 .* got '") as info:
        read_csv(path, class_names=["x", "y", "z"])
    assert repr(label) in str(info.value)


@pytest.mark.parametrize(
    ("label", "options"),
    [("a text " * 20, {"class_names": ["x", "y"]}), ("\ufeff" + "a text " * 20, {})],
)
def test_read_csv_error_shows_no_text(tmp_path, label, options):
    """A long label, perhaps a text in the wrong column, is not shown to its end."""
    path = write_dialect(tmp_path / "a.csv", [["1", "b"], [label, "b"]])
    with pytest.raises(ValueError, match=r"line 2: .* got '.*…'") as info:
        read_csv(path, header=False, **options)
    assert len(str(info.value)) < len(str(path)) + 250
    assert "a text " * 4 not in str(info.value)


NAMED = 'id,"text",title,label\n7,"b, c",a,pos\n8,e,d,neg\n'


@pytest.mark.parametrize(
    ("label_column", "text_columns", "texts"),
    [
        ("label", ["title", "text"], ["a b, c", "d e"]),
        ("label", "text", ["b, c", "e"]),
        ("label", 1, ["b, c", "e"]),
        (-1, [2, "text"], ["a b, c", "d e"]),
        (3, [0, 1, 2], ["7 b, c a", "8 e d"]),
    ],
)
def test_read_csv_columns_by_name_or_position(
    tmp_path, label_column, text_columns, texts
):
    path = tmp_path / "named.csv"
    path.write_text(NAMED)
    bunch = read_csv(
        path, label_column=label_column, text_columns=text_columns, header=True
    )
    assert bunch.data == texts
    assert bunch.target.tolist() == ["pos", "neg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"label_column": "stars", "header": True},
            "one column named 'stars', found 0",
        ),
        ({"label_column": "label", "header": False}, "position, got 'label'; pass"),
        ({"header": "yes"}, r"header to be one of \(True, False, 'auto'\), got 'yes'"),
        ({"label_column": 4}, "one of 4 columns"),
        ({"text_columns": [1.5]}, "one of 4 columns"),
        ({"text_columns": [0, 1]}, "in different columns, got column 0"),
        ({"text_columns": []}, "at least one of texts"),
        ({"field_order": "backward"}, r"one of \('forward', 'reverse'\)"),
    ],
)
def test_read_csv_invalid_options(tmp_path, options, message):
    """The error names the option and the available columns."""
    path = tmp_path / "named.csv"
    path.write_text(NAMED)
    with pytest.raises(ValueError, match=message):
        read_csv(path, **options)


def test_read_csv_duplicate_column_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text,text\n1,a,b\n")
    with pytest.raises(ValueError, match="found 2 among"):
        read_csv(path, text_columns="text", header=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one record, found none"),
        (b"\n\n", "at least one record, found none"),
        (b'"1","a"\n"2","b","c"\n', "line 2: expected 2 columns .* got 3"),
        (b'"1","a\nb"\n"2"\n', "line 3: expected 2 columns .* got 1"),
        (b'"1","a"\n"2","b" c"\n', "line 2: expected cells in double quotes"),
        (b'"1","a"\n"2","b\n"1","c"\n', "line 2: expected cells in double quotes"),
        (b'"1","a"\n"2","never closed\n\n\n', "line 2: expected cells in double quo"),
        (b'"1","a"\n"2","caf\xe9"\n', "line 2: expected UTF-8, got the byte 0xe9"),
        (b'"1","a"\n"2","caf\xc3', "line 2: expected UTF-8, got the byte 0xc3"),
        (b'"1","\xed\xa0\x80"\n', "line 1: expected UTF-8"),
        (b'"1","a"\n"","b"\n', "line 2: expected a label .* got 0 characters"),
        (b'"1","a"\n"' + b"x" * 300 + b'","b"\n', "line 2: .* got 300 characters"),
        (b"1|a\n2|b\n", r"1 column.*2 columns with delimiter='\|'"),
    ],
)
def test_read_csv_damaged_file(tmp_path, content, message):
    """The error names the file and the line."""
    path = tmp_path / "damaged.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.csv.*" + message):
        read_csv(path)


def test_read_csv_undecodable_line_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'"1","a"\n' * 9999 + b'"1","\xff"\n' + b'"1","a"\n' * 9999)
    with pytest.raises(ValueError, match=r"line 10000: .* 0xff"):
        read_csv(path)


def test_read_csv_header_without_records(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("label,text\n")
    with pytest.raises(ValueError, match="after the header"):
        read_csv(path, header=True)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_read_csv_damaged_archive(tmp_path, suffix):
    compress = {".gz": gzip.compress, ".xz": lzma.compress}[suffix]
    noise = np.random.default_rng(0).integers(97, 123, 90_000, np.uint8).tobytes()
    whole = compress(b'"1","' + noise + b'"\n"2","b"\n')
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    path = tmp_path / f"a.csv{suffix}"
    for content in (whole[:middle], whole[:-4], flipped, b'"1","plain"\n'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.csv\.[gx]z"):
            read_csv(path)


def test_read_csv_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_csv(tmp_path / "absent.csv")


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("ag_news_train_subset.csv.xz", [10_032, 10_112, 10_074, 9_966]),
        ("yelp_review_full_subset.csv.xz", [1_036, 986, 982, 1_016, 980]),
    ],
)
def test_read_csv_real_subsets(data_folder, file, counts):
    path = data_folder / file
    if not path.exists():
        pytest.skip(f"{file} is not in the folder of data files")
    assert np.bincount(read_csv(path).target).tolist() == counts
