"""The command `evaluate` and its report."""

import contextlib
import csv
import io
import json
import math
import re
import sys

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from sktextconv import load, save
from sktextconv.cli import main
from sktextconv.cli._report import comparison_lines, make_report
from sktextconv.cli._tables import confusion_lines, display_width
from sktextconv.comparison._statistics import compare_errors
from sktextconv.inspection._plot.confusion_matrix import draw_confusion_matrix

from .films import BAD, GOOD, SETTINGS, write_csv


def wilson(n_wrong, n):
    """Return the interval of Wilson (1927)."""
    z, p = 1.959963984540054, n_wrong / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [middle - half, middle + half]


def test_evaluate_json(run, mixed):
    """Metrics are correct, and the interval is the one of Wilson."""
    code, out, _ = run("evaluate model mixed.csv --json")
    found = json.loads(out)
    assert code == 0
    assert (found["n_texts"], found["n_wrong"], found["error"]) == (10, 3, 0.3)
    assert found["interval"] == pytest.approx(wilson(3, 10), abs=1e-9)
    neg, pos = found["classes"]
    assert neg == {
        "label": "neg",
        "precision": 3 / 6,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "n_texts": 3,
    }
    assert (pos["label"], pos["precision"], pos["n_texts"]) == ("pos", 1.0, 7)
    assert pos["recall"] == pytest.approx(4 / 7)


def test_evaluate_prints_report(run, mixed):
    """The report has metrics with intervals, a table of classes and the confusion."""
    code, out, _ = run("evaluate model mixed.csv")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == [
        "mixed.csv: 10 texts of 2 classes: neg 3, pos 7",
        "error 30.00 % (95 % interval 10.78 to 60.32), 3 of 10 texts",
    ]
    number = r"\d+\.\d+"
    for line, start in zip(
        lines[2:5],
        ("macro F1 69.70 %", f"log loss {number}", f"calibration error {number} %"),
        strict=True,
    ):
        assert re.fullmatch(rf"{start} \(95 % interval {number} to {number}\)", line)
    assert lines[5:] == [
        "",
        "class      texts  precision %  recall %   F1 %",
        "neg            3         50.0     100.0   66.7",
        "pos            7        100.0      57.1   72.7",
        "",
        "confusion matrix: true classes in rows, predicted ones in columns",
        "     neg  pos",
        "neg    3    0",
        "pos    3    4",
    ]


def test_evaluate_class_without_texts(run, folder):
    """A class without texts has a row without metrics."""
    write_csv(folder / "pos.csv", [["pos", GOOD]] * 2)
    code, out, _ = run("evaluate model pos.csv")
    assert code == 0
    assert "neg            0            -         -      -" in out.splitlines()
    code, out, _ = run("evaluate model pos.csv --json")
    assert json.loads(out)["classes"][0]["recall"] is None


def test_report_matches_scikit_learn():
    """Metrics and confusion agree with scikit-learn, undefined ones too."""
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.randint(4, size=50), rng.randint(1, 5, size=50)
    report = make_report(y_true, np.eye(6)[y_pred], list("abcdef"))
    found = report.to_json()
    expected = precision_recall_fscore_support(
        y_true, y_pred, labels=range(6), zero_division=np.nan
    )
    names = ("precision", "recall", "f1", "n_texts")
    for name, values in zip(names, expected, strict=True):
        rows = [np.nan if row[name] is None else row[name] for row in found["classes"]]
        np.testing.assert_allclose(rows, values, rtol=1e-15)
    assert found["macro_f1"] == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    expected = confusion_matrix(y_true, y_pred, labels=range(6))
    assert found["confusion_matrix"] == expected.tolist()
    assert json.loads(json.dumps(found)) == found


def test_table_fits_80_columns():
    """Labels of any length and script fit the table into 80 columns."""
    labels = ["a" * 200, "日本語" * 30, "e\u0301" * 40, "line\nbreak\x1b[31m", ""]
    n_texts = 10**6
    truth = np.arange(5).repeat(n_texts // 5)
    report = make_report(truth, np.eye(5)[truth], labels)
    head, *rows = report.to_table()
    assert [len(row.partition("200,000")[0]) for row in rows[:1]] == [36]
    shown = [row[: -len(head[32:])] for row in rows]
    assert shown[0] == "a" * 31 + "…"
    assert shown[1] == "日本語" * 5 + "…" + " "  # 31 columns, in 16 characters
    assert shown[2] == "e\u0301" * 31 + "…"
    assert shown[3] == "line break\ufffd[31m".ljust(32)
    assert shown[4] == " " * 32
    assert max(map(display_width, report.to_lines())) <= 80


# -- confusion -----------------------------------------------------------------------


def test_confusion_of_long_labels_is_numbered():
    """Columns of long labels have the number of the class."""
    counts = np.arange(36).reshape(6, 6) * 11
    lines = confusion_lines(counts, [f"{'very ' * 4}{n}" for n in "abcdef"])
    assert lines[1].split() == list("123456")
    assert lines[2].split() == ["1", *["very"] * 4, "a", *map(str, counts[0])]
    assert len({*map(len, lines[1:])}) == 1
    assert max(map(len, lines)) <= 80


def test_confusion_of_14_classes_fits():
    """Labels are shortened, and columns are close, as long as 12 columns remain."""
    counts = np.full((14, 14), 123)
    lines = confusion_lines(counts, [f"a label of class {n:02}" for n in range(14)])
    assert lines[1].split() == [*map(str, range(1, 15))]
    assert lines[2] == " 1 a label of class 00" + " 123" * 14
    lines = confusion_lines(counts * 10, [f"a label {n:02}" for n in range(14)])
    assert lines[0] == "most confused classes"


def test_confusion_of_many_classes_lists_pairs():
    """Many classes have a list of the pairs that are confused most."""
    counts = np.diag(np.full(60, 30))
    counts[7, 3], counts[3, 7], counts[59, 0] = 10, 2, 4
    labels = [
        f"class {n} of a long name in two scripts 日本語日本語" for n in range(60)
    ]
    lines = confusion_lines(counts, labels)
    assert lines[0] == "most confused classes"
    assert [line.split()[-2:] for line in lines[2:]] == [
        ["10", "25.0"],
        ["4", "11.8"],
        ["2", "6.2"],
    ]
    assert lines[2].startswith("class 7 of a long name in…  class 3 of a long name in")
    assert max(map(display_width, lines)) <= 80
    assert confusion_lines(np.diag(np.full(60, 30)), labels) == []


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_evaluate_plot(run, folder, mixed, suffix):
    """The picture has the format of its suffix; an SVG has labels and counts."""
    pytest.importorskip("matplotlib")
    code, _, err = run(f"evaluate model mixed.csv --plot confusion{suffix}")
    assert (code, err) == (0, "")
    data = (folder / f"confusion{suffix}").read_bytes()
    if suffix == ".png":
        assert data.startswith(b"\x89PNG")
    else:
        texts = re.findall(r"<!-- (.*) -->", data.decode())
        assert {"neg", "pos", "3", "4", "model: error 30.00 %"} <= {*texts}


@pytest.mark.filterwarnings("default")
def test_evaluate_plot_warns_of_font_once(run, folder):
    """Labels that the font cannot show have one warning, in one line."""
    pytest.importorskip("matplotlib")
    write_csv(folder / "kanji.csv", [["良い", GOOD], ["悪い", BAD]] * 9)
    assert run("train kanji.csv --model tfidf --out kanji")[0] == 0
    code, _, err = run("evaluate kanji kanji.csv --plot kanji.png")
    assert (code, err.count("\n")) == (0, 1)
    assert "warning: --plot kanji.png: the font has no sign for some char" in err


@pytest.mark.parametrize("n_classes", [2, 30, 120])
def test_draw_confusion_matrix(n_classes):
    """Few classes show counts, some show labels, many neither; all fit the figure."""
    figure = pytest.importorskip("matplotlib.figure").Figure(layout="constrained")
    axes = figure.add_subplot()
    counts = np.diag(np.arange(1, n_classes + 1))
    labels = ["$x$ a long label " * 3, *range(1, n_classes)]
    draw_confusion_matrix(axes, counts, labels)
    figure.canvas.draw()
    assert len(axes.texts) == (n_classes if n_classes <= 25 else 0)
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert len(ticks) == (n_classes if n_classes <= 80 else 0)
    assert ticks[:1] in ([], ["$x$ a long label $x$ a …"])
    (image,) = axes.get_images()
    np.testing.assert_array_equal(image.get_array(), 100 * np.eye(n_classes))


# -- errors --------------------------------------------------------------------------


def test_evaluate_writes_errors(run, folder, mixed):
    """CSV and JSON lines have the wrong texts, the most confident answers first."""
    rows = [["pos", GOOD], ["pos", BAD], ["neg", f'{GOOD}, "or\nnot"'], ["neg", BAD]]
    write_csv(folder / "wrong.csv", [["label", "text"], *rows])
    code, out, _ = run("evaluate model wrong.csv --errors errors.csv")
    assert code == 0
    assert "2 of 4 texts" in out
    with (folder / "errors.csv").open(newline="", encoding="utf-8") as file:
        found = [*csv.DictReader(file)]
    assert [*found[0]] == ["row", "true", "predicted", "probability", "text"]
    assert sorted((row["row"], row["true"], row["predicted"]) for row in found) == [
        ("2", "pos", "neg"),
        ("3", "neg", "pos"),
    ]
    confidence = [float(row["probability"]) for row in found]
    assert confidence == sorted(confidence, reverse=True)
    assert {row["row"]: row["text"] for row in found} == {"2": BAD, "3": rows[2][1]}
    probabilities = load(folder / "model").predict_proba([BAD, rows[2][1]]).max(axis=1)
    assert sorted(confidence) == pytest.approx(sorted(probabilities), abs=1e-6)
    assert run("evaluate model wrong.csv --errors errors.jsonl")[0] == 0
    lines = (folder / "errors.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [r["text"] for r in found]
    assert [json.loads(line)["row"] for line in lines] == [int(r["row"]) for r in found]


def test_evaluate_writes_no_errors(run, folder):
    """A file without errors has a header."""
    assert run("evaluate model films.csv --errors none.csv")[0] == 0
    expected = "row,true,predicted,probability,text\n"
    assert (folder / "none.csv").read_text() == expected


# -- several models ------------------------------------------------------------------


@pytest.fixture(scope="module")
def others(folder):
    """Write more models to the folder.

    `same` is the same network, `contrary` learned exchanged labels, `other_columns` has
    the texts in the first column, and `numbers` has the classes 1 and 2.
    """
    model = load(folder / "model")
    save(model, folder / "same")
    names = ["text", "label"]
    model.columns_ = {"n_columns": 2, "names": names, "label": 1, "texts": [0]}
    save(model, folder / "other_columns")
    for name, labels in (("contrary", ("neg", "pos")), ("numbers", "12")):
        rows = [*zip(labels, (GOOD, BAD), strict=True)] * 20
        data = write_csv(folder / f"{name}.csv", rows)
        out = ["--model", "kimcnn", *SETTINGS, "--out", str(folder / name)]
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(["train", data, *out]) == 0


def test_evaluate_several_models(run, mixed, others):
    """Tables have the figures of each model and the differences to the best."""
    code, out, err = run("evaluate contrary model same mixed.csv")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    head = " ".join(lines[2].split())
    assert head == "model error % 95 % interval macro F1 % log loss ECE %"
    assert lines[3].startswith("contrary    70.00   39.68 to 89.22       23.08  ")
    assert lines[4].startswith("model       30.00   10.78 to 60.32       69.70  ")
    assert lines[5].replace("same ", "model") == lines[4]
    assert lines[7] == "difference of the error to model, in points:"
    assert re.fullmatch(r"contrary      \+40.00  .* to .*      0.343[78]", lines[9])
    assert re.fullmatch(r"same +\+0.00 +-25.00 to \+25.00      1.0000", lines[10])
    assert lines[11:] == ["", "As good as the best, within noise: contrary, same."]
    assert max(map(len, lines)) <= 80
    out = run("evaluate contrary model films.csv")[1]
    assert out.endswith("\nWorse than the best, beyond noise: contrary.\n")


def test_comparison_fits_80_columns():
    """Long names of models keep their ends."""
    y_true = np.arange(300) % 3
    answers = {f"{'folder/' * 12}{name}": np.eye(3)[y_true] for name in "ab"}
    reports = {name: make_report(y_true, p, "xyz") for name, p in answers.items()}
    best, other = reports
    differences = {other: compare_errors(np.zeros(300), np.ones(300))}
    lines = comparison_lines(reports, best, differences)
    assert max(map(len, lines)) <= 80
    assert [line[:24] for line in lines[1:3]] == [
        f"…/folder/folder/folder/{name}" for name in "ab"
    ]


def test_evaluate_several_models_json(run, mixed, others):
    """Each model has the report that it has alone, and its difference to the best."""
    code, out, _ = run("evaluate model contrary mixed.csv --json")
    found = json.loads(out)
    assert (code, found["best"], found["n_texts"]) == (0, "model", 10)
    for row in found["models"]:
        alone = json.loads(run(f"evaluate {row['model']} mixed.csv --json")[1])
        assert {name: row[name] for name in alone} == alone
    best, other = (row["against_best"] for row in found["models"])
    assert best is None
    assert other["difference"] == pytest.approx(0.4)
    assert other["p_value"] == pytest.approx(binomtest(3, 10).pvalue)
    assert other["within_noise"] is True
    low, high = other["interval"]
    assert low <= 0.4 <= high


def test_evaluate_order_of_arguments(run, mixed, others):
    """Options may stand between the files; the last file has the data."""
    expected = run("evaluate model contrary mixed.csv --json")
    for command in (
        "evaluate --json model contrary mixed.csv",
        "evaluate model --json contrary mixed.csv",
        "evaluate model contrary --json mixed.csv",
        "evaluate model --device cpu contrary --json mixed.csv",
    ):
        assert run(command) == expected


def test_evaluate_models_of_other_columns(run, folder, models, others):
    """Each model reads the columns that it was trained on."""
    write_csv(folder / "named.csv", [["text", "label"], [GOOD, "pos"], [BAD, "neg"]])
    code, out, err = run("evaluate other_columns named named.csv")
    assert (code, err) == (0, "")
    assert out.count("   0.00    0.00 to 65.76      100.00  ") == 2


def test_evaluate_errors_of_several_models(run, folder, mixed, others):
    """The texts that each of several models misclassified have its name."""
    assert run("evaluate model contrary mixed.csv --errors both.jsonl")[0] == 0
    lines = (folder / "both.jsonl").read_text().splitlines()
    found = [*map(json.loads, lines)]
    rows = {"model": {8, 9, 10}, "contrary": {*range(1, 8)}}
    for name, expected in rows.items():
        assert {row["row"] for row in found if row["model"] == name} == expected
    assert run("evaluate model contrary mixed.csv --errors both.csv")[0] == 0
    head = "model,row,true,predicted,probability,text\n"
    assert (folder / "both.csv").read_text().startswith(head)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "evaluate model numbers films.csv",
            "numbers: expected the classes of model, 'neg', 'pos', got '1', '2'. Com",
        ),
        ("evaluate model same.safetensors", "as the last argument, got a model."),
        ("evaluate model", "arguments are required: DATA"),
        ("evaluate model nothing films.csv", "nothing: No such file or directory."),
        ("evaluate model films.csv --errors wrong.txt", "ends in .csv, .jsonl or .nd"),
        ("evaluate model films.csv --errors no/wrong.csv", "in a writable folder"),
        ("evaluate model films.csv --plot matrix.pdf", "ends in .png or .svg."),
        ("evaluate model films.csv --plot no/matrix.png", "in a writable folder"),
        ("evaluate model other_columns -", "-: expected models that read the same col"),
    ],
)
def test_evaluate_errors_in_one_line(
    run, folder, others, monkeypatch, command, message
):
    data = (folder / "films.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, err = run(command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


# -- input ---------------------------------------------------------------------------


def test_evaluate_reads_standard_input(run, folder, monkeypatch):
    data = (folder / "films.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, _ = run("evaluate model -")
    assert code == 0
    assert out.startswith("-: 40 texts of 2 classes")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n\xff,c\n")))
    code, _, err = run("evaluate model -")
    assert (code, err) == (
        2,
        "sktextconv: -, after line 1: expected UTF-8, got the byte 0xff; pass the "
        "encoding of the file, such as --encoding 'cp1252', or save the file as "
        "UTF-8.\n",
    )
