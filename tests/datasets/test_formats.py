"""Formats of files of texts: each is read like the others, and like its reference."""

import csv
import gzip
import json
import lzma

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv import TextStore
from sktextconv.datasets import _compressed, _parquet, read_csv
from sktextconv.datasets._unlabeled import open_texts

from ..conftest import attempt
from .memory import peak_of

SECRET = "confidential"


def read_texts(path, text_columns=None, **options):
    """Return the texts of a file without its labels."""
    options = {"text_columns": text_columns, "header": False} | options
    with open_texts(path, **options) as (_, rows):
        return [text for text, _ in rows]


each_example = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# -- files of the same records -------------------------------------------------

LABELS = ["pos", "neg", "pos", "neg"]
TEXTS = ["so good; a “fine” film", "what a bore, too\tlong", 'a "quote"', "né à l’été"]
FRAME = pd.DataFrame({"stars": LABELS, "id": range(4), "review": TEXTS})


def write_table(path, delimiter):
    FRAME.to_csv(path, sep=delimiter, index=False)


def write_json(path):
    # The first object gives the names; the fields may have any order.
    lines = FRAME.to_json(orient="records", lines=True, force_ascii=False).split("\n")
    lines = [line for line in lines if line]
    last = json.loads(lines[-1])
    lines[-1] = json.dumps(dict(sorted(last.items())), ensure_ascii=False)
    path.write_text("\n\n".join(lines), encoding="utf-8")


WRITERS = {
    "a.csv": lambda path: write_table(path, ","),
    "a.tsv": lambda path: write_table(path, "\t"),
    "a.txt": lambda path: write_table(path, ";"),
    "a.jsonl": write_json,
    "a.NDJSON": write_json,
    "a.json": write_json,
    "lines.txt": write_json,
    "a.parquet": FRAME.to_parquet,
    "a.pq": lambda path: FRAME.set_index("id").to_parquet(path),
}
BY_NAME = {"label_column": "stars", "text_columns": "review", "header": True}
PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


def read_store(path, **options):
    return TextStore.from_csv(path, path.with_name("store"), **options)


@pytest.mark.parametrize("read", [read_csv, read_store])
@pytest.mark.parametrize("name", WRITERS)
def test_each_format_gives_the_same(tmp_path, name, read):
    path = tmp_path / name
    WRITERS[name](path)
    bunch = read(path, **BY_NAME)
    assert list(bunch.data) == TEXTS
    assert bunch.target.tolist() == LABELS
    options = {"text_columns": ["review"], "header": True}
    assert (read_texts(path, **options)) == TEXTS


@pytest.mark.parametrize("pack", [".gz", ".xz"])
@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.jsonl", "lines.txt"])
def test_each_format_compressed(tmp_path, name, pack):
    path = tmp_path / name
    WRITERS[name](path)
    packed = path.with_name(name + pack)
    packed.write_bytes(PACK[pack](path.read_bytes()))
    assert read_csv(packed, **BY_NAME).data == TEXTS
    packed.write_bytes(PACK[pack](path.read_bytes())[:-9])
    with pytest.raises(ValueError, match=rf"expected a whole {pack} file"):
        read_csv(packed, **BY_NAME)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "lines.txt"])
def test_each_format_with_byte_order_mark(tmp_path, name, encoding):
    path = tmp_path / name
    WRITERS[name](path)
    path.write_text(path.read_text("utf-8"), encoding)
    assert read_csv(path, **BY_NAME).data == TEXTS
    assert read_csv(path, **BY_NAME, encoding=encoding).data == TEXTS


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl"])
def test_each_format_in_cp1252(tmp_path, name):
    """The error about undecodable bytes names the encoding that reads the file."""
    path = tmp_path / name
    WRITERS[name](path)
    text = path.read_text("utf-8")
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(ValueError, match=r"expected UTF-8.*encoding='cp1252'"):
        read_csv(path, **BY_NAME)
    assert read_csv(path, **BY_NAME, encoding="cp1252").data == TEXTS


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
tables = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5
    )
)


@each_example
@given(table=tables, delimiter=st.sampled_from("\t;|:"))
def test_given_delimiter_equals_csv_module(tmp_path, table, delimiter):
    path = tmp_path / "a.csv"
    rows = [["a", *row] for row in table]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    with path.open(encoding="utf-8", newline="") as file:
        expected = list(csv.reader(file, delimiter=delimiter))
    options = {"delimiter": delimiter, "line_breaks": False, "strip": False}
    found = read_csv(path, **options, header=False)
    assert found.data == [" ".join(cells) for _, *cells in expected]


@each_example
@given(texts=st.lists(cells, min_size=1, max_size=5), ascii_only=st.booleans())
def test_json_lines_equal_json_module(tmp_path, texts, ascii_only):
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps({"y": "a", "x": text}, ensure_ascii=ascii_only) for text in texts
    ]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    options = {"label_column": "y", "text_columns": ["x"]}
    found = read_csv(path, **options, line_breaks=False, strip=False)
    assert found.data == [json.loads(line)["x"] for line in lines] == texts


@each_example
@given(texts=st.lists(cells, min_size=1, max_size=5))
def test_parquet_equals_pandas(tmp_path, texts):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": texts, "y": "a"}).to_parquet(path)
    options = {"label_column": "y", "line_breaks": False, "strip": False}
    assert read_csv(path, **options).data == pd.read_parquet(path)["x"].tolist()


# -- JSON lines ----------------------------------------------------------------

FIRST = json.dumps({"text": "so good", "label": 1, "more": [1], "none": None}) + "\n"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("-3", "-3"),
        ("4.50", "4.50"),
        ("true", "true"),
        ('"b"', "b"),
        ("1e400", "1e400"),
    ],
)
def test_json_lines_labels_as_written(tmp_path, label, expected):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{FIRST}{{"text": "bad", "label": {label}}}\n')
    found = read_csv(path, label_column="label", text_columns="text")
    assert found.target.tolist() == ["1", expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f'["{SECRET}"]', "one JSON object per line, got an array"),
        (f'"{SECRET}"', "one JSON object per line, got a string"),
        ("3", "one JSON object per line, got a number"),
        ("{}", "one JSON object per line, got an object without fields"),
        (f'{{"text": "{SECRET}", "label": "a"', "got a broken line .* at character"),
        (f'{{"text": "{SECRET}" "label": "a"}}', "got a broken line .* at character"),
        (f'{{"text": "{SECRET}"}} {{', "got a broken line .* at character"),
        (f"{SECRET},a", "got a broken line .* at character"),
        ("[" * 100_000, "got deeply nested arrays"),
        (f'{{"text": "{SECRET}", "text": "", "label": 1}}', "two fields of one name"),
        (f'{{"text": "{SECRET}"}}', "in the field 'label', got no such field"),
        (f'{{"text": "{SECRET}", "label": null}}', "in the field 'label', got null"),
        (f'{{"text": "{SECRET}", "label": ["{SECRET}"]}}', "'label', got an array"),
        (f'{{"text": "{SECRET}", "label": NaN}}', "'label', got NaN"),
        (f'{{"label": 1, "body": "{SECRET}"}}', "'text', got no such field"),
        ('{"label": 1, "text": null}', "a string in the field 'text', got null"),
        (f'{{"label": 1, "text": ["{SECRET}"]}}', "in the field 'text', got an array"),
        (f'{{"label": 1, "text": {{"a": "{SECRET}"}}}}', "'text', got an object"),
        (
            '{"label": 1, "text": 12345678}',
            "a string in the field 'text', got a number",
        ),
    ],
)
def test_json_lines_invalid_line(tmp_path, line, message):
    """The error names the file and the line, and contains no part of a text."""
    path = tmp_path / "a.jsonl"
    path.write_text(f"{FIRST}\n{line}\n")
    with pytest.raises(ValueError, match=rf"a\.jsonl, line 3: .*{message}") as info:
        read_csv(path, label_column="label", text_columns="text")
    for secret in (SECRET, "12345678", "so good"):
        assert secret not in str(info.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name of one of the fields .*'label', 'more'.*, got the position 0"),
        ({"label_column": "label", "text_columns": 0}, "got the position 0"),
        (
            {"label_column": "label", "text_columns": ["text", "more"]},
            "a string in the field 'more', got an array",
        ),
        ({"label_column": "stars"}, "one column named 'stars', found 0 among"),
        ({"label_column": "label", "delimiter": ","}, "no delimiter for JSON lines"),
    ],
)
def test_json_lines_invalid_options(tmp_path, options, message):
    path = tmp_path / "a.jsonl"
    path.write_text(FIRST)
    with pytest.raises(ValueError, match=message):
        read_csv(path, **options)


def test_json_lines_texts_need_a_name(tmp_path):
    """Texts without labels are read from the only field, or from a named one."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "x"}\n{"b": 1, "a": "y"}\n')
    assert (read_texts(path)) == ["x", "y"]
    path.write_text('{"a": "x", "b": "z"}\n')
    with pytest.raises(ValueError, match=r"column of texts with text_columns"):
        (read_texts(path))


# -- fastText ------------------------------------------------------------------


def test_fasttext_labels_and_texts(tmp_path):
    """The prefix of labels is removed, and no other character has a meaning."""
    path = tmp_path / "a.txt"
    path.write_text('__label__pos so good, a "film"\n\n__label__a/b\tbad;  x\r\n')
    found = read_csv(path)
    assert found.data == ['so good, a "film"', "bad;  x"]
    assert found.target.tolist() == ["pos", "a/b"]
    texts = read_texts(path)
    assert list(texts) == found.data


def test_fasttext_white_space(tmp_path):
    """One space or tab ends the label; `strip` removes only white space of ASCII."""
    path = tmp_path / "a.txt"
    lines = [" __label__a \t good \u3000\t ", "\t__label__\xa0b\tbad\u3000__label__a"]
    path.write_text("\r\n".join([*lines, "__label__a "]), encoding="utf-8", newline="")
    found = read_csv(path)
    assert found.data == ["good \u3000", "bad\u3000__label__a", ""]
    assert found.target.tolist() == ["a", "b", "a"]
    found = read_csv(path, strip=False)
    assert found.data == ["\t good \u3000\t ", "bad\u3000__label__a", ""]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"__label__a __label__b {SECRET}", "got several labels"),
        (f"__label__a {SECRET} __label__b", "got several labels"),
        (f"{SECRET} is no label", "got no label"),
        (f"__label__ {SECRET}", "got no label"),
    ],
)
def test_fasttext_invalid_line(tmp_path, line, message):
    path = tmp_path / "a.txt"
    path.write_text(f"__label__pos so good\n{line}\n")
    with pytest.raises(ValueError, match=rf"a\.txt, line 2: .*{message}") as info:
        read_csv(path)
    assert SECRET not in str(info.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_table_with_fasttext_labels(tmp_path, delimiter):
    """A table whose labels have the prefix of fastText is read as a table."""
    path = tmp_path / "a.csv"
    rows = [["__label__a", "so good"], ["__label__b", "bad one"]]
    path.write_text("".join(f"{delimiter.join(row)}\n" for row in rows))
    found = read_csv(path, delimiter=delimiter, header=False)
    assert found.data == ["so good", "bad one"]
    assert found.target.tolist() == ["__label__a", "__label__b"]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("line", ["sep={}\n", "\ufeffsep={}\r\n", '"sep={}"\n'])
def test_delimiter_line_of_excel(tmp_path, delimiter, line):
    """A first line ``sep=;`` names the delimiter, and is no record."""
    path = tmp_path / "a.csv"
    rows = [["label", "text"], ["neg", "a, b; c"], ["pos", "d | e"]]
    quoted = [[f'"{cell}"' for cell in row] for row in rows]
    lines = [delimiter.join(row) + "\n" for row in quoted]
    path.write_text(line.format(delimiter) + "".join(lines))
    found = read_csv(path)
    assert found.data == ["a, b; c", "d | e"]
    assert found.target.tolist() == ["neg", "pos"]
    path.write_text(path.read_text() + '"pos"\n')
    with pytest.raises(ValueError, match=r"a.csv, line 5: expected "):
        read_csv(path)


def test_given_delimiter_overrides_delimiter_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=;\n1|a; b\n2|c; d\n")
    assert read_csv(path, delimiter="|").data == ["a; b", "c; d"]


# -- Parquet -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array(["b", "a"]), ["b", "a"]),
        (pa.array(["b", "a"], pa.large_string()), ["b", "a"]),
        (pa.array(["b", "a"]).dictionary_encode(), ["b", "a"]),
        (pa.array([2, 1], pa.int8()), [1, 0]),
        (pa.array([True, False]), ["true", "false"]),
    ],
)
def test_parquet_label_types(tmp_path, labels, expected):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"y": labels, "x": ["so", "bad"]}), path)
    found = read_csv(path)
    assert found.data == ["so", "bad"]
    assert found.target.tolist() == expected


@pytest.mark.parametrize("n_rows", [1, 1023, 1024, 1025, 5000])
def test_parquet_in_batches(tmp_path, n_rows):
    path = tmp_path / "a.parquet"
    texts = [f"text {row}" for row in range(n_rows)]
    labels = pa.array(np.arange(n_rows) % 2 + 1)
    pq.write_table(pa.table({"y": labels, "x": texts}), path, row_group_size=700)
    assert read_csv(path, class_names=["a", "b"]).data == texts


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"y": ["a"], "x": [3]},
            r"strings in the column 'x', got int64; .*text_column",
        ),
        ({"y": [["a"]], "x": ["t"]}, "strings or numbers in the column 'y', got list"),
        ({"y": ["a", None], "x": ["t", "t"]}, "row 2: .* column 'y', got null"),
        ({"y": ["a", "b"], "x": ["t", None]}, "row 2: .* column 'x', got null"),
        ({"x": ["t"]}, "at least one of texts"),
        (
            {"y": pa.array([], "str"), "x": pa.array([], "str")},
            "expected records after the header",
        ),
    ],
)
def test_parquet_invalid_columns(tmp_path, columns, message):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(ValueError, match=rf"a\.parquet.*{message}"):
        read_csv(path)


def test_parquet_duplicate_names(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([["a"], ["b"], ["c"]], names=["y", "x", "x"]), path)
    with pytest.raises(ValueError, match="two named 'x'"):
        read_csv(path)


def test_parquet_damaged_file(tmp_path):
    """A truncated or changed file raises `ValueError` with its name, or reads alike."""
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(0, len(whole), 97)]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
        for at in range(len(whole) - 60, len(whole))
    ]
    for content in [*damaged, b"1,a\n2,b\n"]:
        path.write_bytes(content)
        found, error = attempt(lambda path: read_csv(path, **BY_NAME), path)
        if error is None:
            assert found.data == TEXTS
        else:
            assert isinstance(error, ValueError)
            assert str(path) in str(error)


def test_parquet_size_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(_compressed, "_ALWAYS_ALLOWED", 10**6)
    path = tmp_path / "a.parquet"
    texts = ["x" * 1000] * 10_000
    pq.write_table(pa.table({"y": ["a"] * 10_000, "x": texts}), path)
    with pytest.raises(ValueError, match="at most 1,000,000 bytes"):
        read_csv(path)


def test_parquet_options(tmp_path):
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    for option in ({"delimiter": ";"}, {"encoding": "cp1252"}):
        with pytest.raises(ValueError, match=r"a\.parquet: expected no"):
            read_csv(path, **BY_NAME, **option)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    def require(module, *, by, extra):
        raise ImportError(f"{by} needs {module}: {extra}")

    monkeypatch.setattr(_parquet, "require", require)
    with pytest.raises(ImportError, match=r"Reading Parquet files needs .*: parquet"):
        read_csv(tmp_path / "a.parquet")


def test_parquet_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_csv(tmp_path / "absent.parquet")


def test_parquet_from_pandas_index(tmp_path):
    """The index that pandas stores without a name is no column of texts."""
    path = tmp_path / "a.parquet"
    FRAME[["stars", "review"]].set_index(pd.Index([5, 6, 8, 7])).to_parquet(path)
    assert "__index_level_0__" in pq.read_schema(path).names
    assert read_csv(path).data == TEXTS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            gzip.compress(b"1,a\n", mtime=0),
            "a gzip file; give it a name that ends in .gz",
        ),
        (lzma.compress(b"1,a\n"), "an xz file; give it a name that ends in .xz"),
        (b"PK\3\4" + bytes(30), "a zip or Excel file; save it as CSV"),
        (b"PAR1" + bytes(30), "a Parquet file; give it a name that ends in .parquet"),
    ],
    ids=["gzip", "xz", "zip", "parquet"],
)
def test_binary_file_with_name_of_text(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.csv: expected text, got {message}"):
        read_csv(path)


@pytest.mark.parametrize("name", ["a.tsv", "a.jsonl", "a.txt", "a.parquet"])
def test_each_format_in_constant_memory(tmp_path, name):
    """The texts of a file of 8 MB are read one by one."""
    path = tmp_path / name
    text = "so good " * 100
    frame = pd.DataFrame({"y": ["a"] * 10_000, "x": text})
    if name == "a.tsv":
        frame.to_csv(path, sep="\t", index=False)
    elif name == "a.jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif name == "a.txt":
        path.write_text(f"__label__a {text}\n" * 10_000)
    else:
        # Parquet would store equal texts once.
        frame["x"] += frame.index.astype(str)
        frame.to_parquet(path, compression=None)

    def read():
        column = None if name == "a.txt" else "x"
        with open_texts(path, text_columns=column, header=True) as (_, rows):
            assert sum(1 for _ in rows) == 10_000

    read()  # imports modules
    assert peak_of(read) < 3e6
