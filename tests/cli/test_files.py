"""Formats, delimiters and encodings of the files of the command line."""

import csv
import gzip
import io
import json
import sys

import pandas as pd
import pytest

from .films import BAD, GOOD, TRAIN, read_labels

ROWS = [{"stars": "pos", "review": GOOD}, {"stars": "neg", "review": BAD}] * 4
FRAME = pd.DataFrame(ROWS)
NAMES = "--label-column stars --text-column review"
SECRET = "confidential"


def as_table(delimiter):
    return FRAME.to_csv(sep=delimiter, index=False, lineterminator="\n")


def as_json():
    return "".join(f"{json.dumps(row)}\n" for row in ROWS)


def as_fasttext():
    return "".join(f"__label__{row['stars']} {row['review']}\n" for row in ROWS)


def as_parquet():
    data = io.BytesIO()
    FRAME.to_parquet(data)
    return data.getvalue()


FILES = {
    "some.tsv": (as_table("\t").encode(), NAMES),
    "some.txt": (as_table(";").encode(), NAMES),
    "bars.txt": (as_table("|").encode(), f"{NAMES} --delimiter |"),
    "tabs.txt": (as_table("\t").encode(), rf"{NAMES} --delimiter \t"),
    "some.jsonl": (as_json().encode(), NAMES),
    "some.ndjson.gz": (gzip.compress(as_json().encode()), NAMES),
    "some.parquet": (as_parquet(), NAMES),
    "fast.txt": (as_fasttext().encode(), ""),
    "wide.csv": (as_table(",").encode("utf-16"), NAMES),
    "other.csv": (as_table(",").encode("cp037"), f"{NAMES} --encoding cp037"),
}


@pytest.mark.parametrize("name", FILES)
def test_commands_read_each_format(run, folder, name):
    """The commands `train`, `evaluate` and `predict` read each format."""
    content, options = FILES[name]
    (folder / name).write_bytes(content)
    code, out, err = run(f"evaluate model {name} {options}")
    assert (code, err) == (0, "")
    assert out.startswith(f"{name}: 8 texts of 2 classes: neg 4, pos 4")
    options = options.replace("--label-column stars", "")
    code, out, err = run(f"predict model {name} {options}")
    assert (code, err) == (0, "")
    assert read_labels(out) == ["pos", "neg"] * 4


@pytest.mark.parametrize("name", ["some.jsonl", "some.parquet", "fast.txt"])
def test_train_reads_each_format(run, folder, name):
    content, options = FILES[name]
    (folder / name).write_bytes(content)
    code, out, _ = run(f"train {name} {options} {TRAIN} --valid {name}")
    assert code == 0
    assert out.startswith(f"{name}: 8 texts of 2 classes: neg 4, pos 4")


def test_lines_with_encoding(run, folder):
    (folder / "latin.txt").write_bytes(f"{GOOD} é\n{BAD}\n".encode("cp1252"))
    code, _, err = run("predict model latin.txt --lines")
    assert code == 2
    assert "latin.txt, line 1: expected UTF-8" in err
    assert "pass --encoding 'cp1252'" in err
    code, out, _ = run("predict model latin.txt --lines --encoding cp1252")
    assert read_labels(out) == ["pos", "neg"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"1|{SECRET}\n2|{SECRET}\n", "--delimiter '|'"),
        (f"1; {SECRET}\n2; {SECRET}\n", "--delimiter ';'"),
        (f'{{"text": "{SECRET}", "label": "a"}}\n["{SECRET}"]\n', "--label-column"),
        (f"__label__a {SECRET}\n{SECRET}\n", "line 2: expected one label"),
    ],
)
def test_error_names_option_but_no_text(run, folder, content, message):
    (folder / "odd.txt").write_text(content)
    code, _, err = run("evaluate model odd.txt")
    assert code == 2
    assert message in err
    assert SECRET not in err
    assert err.count("\n") == 1


# -- several files -------------------------------------------------------------

ONE_TEXT = {
    "a1.csv": GOOD,
    "a2.csv": BAD,
    "a10.csv": GOOD,
    "b[1].csv": BAD,
    "c.csv": GOOD,
}


@pytest.fixture
def texts_in_files(folder):
    """Folder with files of one text each, and an empty folder with a name like them."""
    for name, text in ONE_TEXT.items():
        (folder / name).write_text(f'x,"{text}"\n')
    (folder / "a0.csv").mkdir(exist_ok=True)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["a1.csv"], ["a1.csv"]),
        (["a2.csv", "a1.csv"], ["a2.csv", "a1.csv"]),
        (["a*.csv"], ["a1.csv", "a10.csv", "a2.csv"]),
        (["c.csv", "a[12].csv"], ["c.csv", "a1.csv", "a2.csv"]),
        (["a1.csv", "a1.csv"], ["a1.csv", "a1.csv"]),
        (["b[1].csv"], ["b[1].csv"]),
        (["**/a2*"], ["a2.csv"]),
        (["a?.csv", "-"], ["a1.csv", "a2.csv", "c.csv"]),
    ],
)
def test_predict_several_files(
    run, texts_in_files, folder, monkeypatch, patterns, expected
):
    """Labels have the order of the files; the files of a pattern are sorted."""
    stdin = io.TextIOWrapper(io.BytesIO((folder / "c.csv").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    labels = {GOOD: "pos", BAD: "neg"}
    code, out, err = run(
        "predict model", *patterns, "--text-column", "1", "--no-header"
    )
    assert (code, err) == (0, "")
    assert read_labels(out) == [labels[ONE_TEXT[name]] for name in expected]


def test_predict_files_of_several_formats(run, folder):
    """Each file has its own format and order of columns."""
    for name in ("some.tsv", "some.jsonl", "some.parquet", "wide.csv"):
        (folder / name).write_bytes(FILES[name][0])
    FRAME[["review", "stars"]].to_csv(folder / "turned.csv", index=False)
    names = ["some.tsv", "some.jsonl", "some.parquet", "wide.csv", "turned.csv"]
    code, out, err = run("predict model --text-column review --keep stars", *names)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["label"] for row in rows] == ["pos", "neg"] * 20
    assert all(row["label"] == row["stars"] for row in rows)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("none*.csv", "none*.csv: expected a pattern of names, found no such file"),
        ("a1.csv none.csv", "none.csv: No such file"),
        ("- -", "-: expected the standard input once"),
        ("a1.csv bad.csv", "bad.csv, line 2: expected 2 columns"),
        ("a1.csv a0.csv", "a0.csv: Is a directory"),
    ],
)
def test_predict_several_files_error(run, texts_in_files, folder, patterns, message):
    """The error names the file, and an existing output file stays as it is."""
    (folder / "bad.csv").write_text("x,y z\nx\n")
    (folder / "out.csv").write_text("before")
    options = "--text-column 1 --no-header --out out.csv"
    code, _, err = run(f"predict model {options} {patterns}")
    assert code == 2
    assert message in err
    assert (folder / "out.csv").read_text() == "before"


def test_predict_keeps_columns_of_one_name(run, folder):
    """Columns to keep have the same names in all files."""
    (folder / "d1.csv").write_text(f'text,id\n"{GOOD}",1\n')
    (folder / "d2.csv").write_text(f'text,number\n"{GOOD}",1\n')
    code, _, err = run("predict model d1.csv d2.csv --text-column text --keep 1")
    assert code == 2
    assert "d2.csv: expected the columns to keep to be named as in d1.csv" in err
