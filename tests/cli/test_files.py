"""Formats, delimiters and encodings of the files of the command line."""

import gzip
import io
import json

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
