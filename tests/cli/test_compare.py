"""The command `compare`."""

import csv
import json

import numpy as np
import pytest

from sktextconv import load
from sktextconv.cli import main

from .films import write_csv

TEXTS = [f"{word} {n}" for n in range(12) for word in ("good film", "bad plot")]
LABELS = ["pos", "neg"] * 12


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rating", "author", "review"])
        for number, (label, text) in enumerate(zip(LABELS, TEXTS, strict=True)):
            writer.writerow([label, f"author {number // 4}", text])
    return path


def columns(path):
    return [str(path), "--label-column", "rating", "--text-column", "review"]


def test_compare_prints_table(data, capsys):
    """The table fits into 80 columns; the sentence names the winner."""
    assert main(["compare", *columns(data), "--models", "bow,tfidf"]) == 0
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines()[1:])) <= 80
    assert "* " in out
    assert "The winner is " in " ".join(out.split())
    assert "[2/2]" in err


def test_compare_json(data, capsys):
    """The standard output is one JSON object, with a report too."""
    arguments = ["--models", "bow", "--cv", "3", "--json", "--noise", "0.1"]
    arguments += ["--out", str(data.parent / "out")]
    assert main(["compare", *columns(data), *arguments]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["winner"] == "bow"
    assert len(found["cells"]) == 3
    assert not err


def test_compare_writes_report_and_winner(data, tmp_path, capsys):
    """The winner predicts from its file; a second call runs nothing again."""
    out = tmp_path / "report"
    arguments = ["compare", *columns(data), "--models", "bow", "--out", str(out)]
    assert main(arguments) == 0
    assert {"report.html", "report.md", "report.json", "model.safetensors"} <= {
        path.name for path in out.iterdir()
    }
    model = load(out / "model.safetensors")
    np.testing.assert_array_equal(model.predict(["good film", "bad plot"]), LABELS[:2])
    capsys.readouterr()
    assert main(arguments) == 0
    assert "1 of 1 cells were done before" in capsys.readouterr().err
    assert main(["predict", str(out / "model.safetensors"), str(data)]) == 0
    assert capsys.readouterr().out.split()[1:] == LABELS


def test_compare_test_file(data, tmp_path, capsys):
    other = tmp_path / "test.csv"
    other.write_text("rating,author,review\npos,me,good film\nneg,me,bad plot\n")
    arguments = ["--models", "bow", "--json", "--test", str(other)]
    assert main(["compare", *columns(data), *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"]["n_test"] == 2
    assert found["data"]["n_train"] == len(TEXTS)


def test_compare_group_column(data, capsys):
    arguments = ["--models", "bow,tfidf", "--json", "--cv", "3", "--group-column"]
    assert main(["compare", *columns(data), *arguments, "author"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"]["grouped"]


GROUPED = [
    [label, f"author{number // 4}", text]
    for number, (label, text) in enumerate(zip("12" * 12, TEXTS, strict=True))
]


@pytest.mark.parametrize("names", [None, ["label", "author", "text"]])
def test_group_column_is_no_text(tmp_path, capsys, names):
    """Without --text-column, the winner knows no word of the column of groups."""
    path, out = tmp_path / "grouped.csv", tmp_path / "out"
    write_csv(path, [*([names] if names else []), *GROUPED])
    arguments = ["--models", "bow", "--no-select", "--group-column", "1"]
    assert main(["compare", str(path), *arguments, "--out", str(out)]) == 0
    model = load(out / "model.safetensors")
    assert model.columns_ == {"n_columns": 3, "names": names, "label": 0, "texts": [2]}
    assert not [word for word in model[0].vocabulary_ if "author" in str(word)]
    # A file with the same columns, and one without groups.
    without = [[label, text] for label, _, text in GROUPED]
    files = [[*([names] if names else []), *GROUPED]]
    files.append([[names[0], names[2]], *without] if names else [[x] for x in TEXTS])
    for rows in files:
        write_csv(path, rows)
        capsys.readouterr()
        assert main(["predict", str(out / "model.safetensors"), str(path)]) == 0
        assert capsys.readouterr().out.split()[1:] == ["1", "2"] * 12


def test_group_column_leaves_no_text(tmp_path, capsys):
    path = tmp_path / "pairs.csv"
    write_csv(path, [[label, author] for label, author, _ in GROUPED])
    assert main(["compare", str(path), "--group-column", "1"]) == 2
    message = "at least one of texts besides 1, with commas between, got 2 column(s)"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "line"),
    [(["--header"], 7), (["--no-header"], 6)],
)
def test_missing_group_is_refused(tmp_path, capsys, options, line):
    """Texts without a group are not of one group: the error has the line."""
    path = tmp_path / "grouped.csv"
    rows = [*GROUPED[:5], ["1", " ", "good film"], *GROUPED[5:]]
    names = [["label", "author", "text"]]
    write_csv(path, [*(names if "--header" in options else []), *rows])
    assert main(["compare", str(path), "--group-column", "1", *options]) == 2
    message = f"{path}, line {line}: expected a group in column 1, got an empty cell"
    assert message in capsys.readouterr().err


def test_compare_without_time(data, capsys):
    """Too short a budget is an error of one line, with the exit code 1."""
    arguments = ["--models", "bow", "--budget", "0.001s"]
    assert main(["compare", *columns(data), *arguments]) == 1
    err = capsys.readouterr().err
    assert "Allow more time" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "10"], "time such as 90s, 10m or 2h"),
        (["--budget", "0m"], "time such as 90s, 10m or 2h"),
        (["--models", "tfifd"], "Did you mean 'tfidf'"),
        (["--cv", "many"], "fraction such as 0.2"),
        (["--noise", "often"], "fractions such as 0.1"),
        (["--group-column", "writer"], "writer"),
        (["--out", __file__], f"{__file__}: File exists"),
    ],
)
def test_compare_invalid_arguments(data, capsys, arguments, message):
    assert main(["compare", *columns(data), *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
