"""The command `evaluate` and its report."""

import io
import json
import math
import sys

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from sktextconv.cli._report import Report, make_report

from .films import GOOD, write_csv


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


def test_evaluate_table(run, mixed):
    code, out, _ = run("evaluate model mixed.csv")
    assert code == 0
    assert out.splitlines() == [
        "mixed.csv: 10 texts of 2 classes: neg 3, pos 7",
        "error 30.00 % (95 % interval 10.78 to 60.32), 3 of 10 texts",
        "",
        "class      texts  precision %  recall %   F1 %",
        "neg            3         50.0     100.0   66.7",
        "pos            7        100.0      57.1   72.7",
    ]


def test_evaluate_class_without_texts(run, folder):
    """A class without texts has a row without metrics."""
    write_csv(folder / "pos.csv", [["pos", GOOD]] * 2)
    code, out, _ = run("evaluate model pos.csv")
    assert code == 0
    assert out.splitlines()[-2].split() == ["neg", "0", "-", "-", "-"]
    code, out, _ = run("evaluate model pos.csv --json")
    assert json.loads(out)["classes"][0]["recall"] is None


def test_report_matches_scikit_learn():
    """Metrics and interval agree with scikit-learn and SciPy, undefined ones too."""
    rng = np.random.RandomState(0)
    y_true, y_pred = rng.randint(4, size=50), rng.randint(1, 5, size=50)
    found = make_report(y_true, y_pred, list("abcdef")).to_json()
    expected = precision_recall_fscore_support(
        y_true, y_pred, labels=range(6), zero_division=np.nan
    )
    names = ("precision", "recall", "f1", "n_texts")
    for name, values in zip(names, expected, strict=True):
        rows = [np.nan if row[name] is None else row[name] for row in found["classes"]]
        np.testing.assert_allclose(rows, values, rtol=1e-15)
    for n_wrong in (0, found["n_wrong"], 50):
        low, high = Report(50, n_wrong, []).to_json()["interval"]
        expected = binomtest(n_wrong, 50).proportion_ci(method="wilson")
        np.testing.assert_allclose([low, high], expected, rtol=0, atol=1e-15)


def test_table_fits_80_columns():
    """Labels of any length and script fit the table into 80 columns."""
    labels = ["a" * 200, "日本語" * 30, "e\u0301" * 40, "line\nbreak\x1b[31m", ""]
    n_texts = 10**6
    truth = np.arange(5).repeat(n_texts // 5)
    head, *rows = make_report(truth, truth, labels).to_table()
    assert [len(row.partition("200,000")[0]) for row in rows[:1]] == [36]
    shown = [row[: -len(head[32:])] for row in rows]
    assert shown[0] == "a" * 31 + "…"
    assert shown[1] == "日本語" * 5 + "…" + " "  # 31 columns, in 16 characters
    assert shown[2] == "e\u0301" * 31 + "…"
    assert shown[3] == "line break\ufffd[31m".ljust(32)
    assert shown[4] == " " * 32
    assert len(head) <= 80


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
