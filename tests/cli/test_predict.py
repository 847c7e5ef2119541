"""The command `predict`."""

import csv
import gzip
import io
import json
import lzma
import sys
from pathlib import Path

import numpy as np
import pytest

from sktextconv import load
from sktextconv.cli import _predict, main

from .films import BAD, GOOD, read_labels, write_csv


def test_predict_matches_python_api(run, mixed):
    with open(mixed, newline="") as file:
        texts = [text for _, text in csv.reader(file)]
    code, out, _ = run("predict model mixed.csv --probabilities")
    assert code == 0
    head, *rows = csv.reader(io.StringIO(out))
    assert head == ["label", "neg", "pos"]
    model = load("model")
    assert [row[0] for row in rows] == model.predict(texts).tolist()
    found = np.array([row[1:] for row in rows], dtype=float)
    np.testing.assert_allclose(found, model.predict_proba(texts), atol=5e-7, rtol=0)


def test_predict_jsonl_matches_csv(run, mixed):
    _, as_csv, _ = run("predict model mixed.csv --probabilities")
    _, as_json, _ = run("predict model mixed.csv --probabilities --format jsonl")
    head, *rows = csv.reader(io.StringIO(as_csv))
    for line, row in zip(as_json.splitlines(), rows, strict=True):
        found = json.loads(line)
        assert found["label"] == row[0]
        shown = {name: f"{p:.6f}" for name, p in found["probabilities"].items()}
        assert shown == dict(zip(head[1:], row[1:], strict=True))
    _, as_json, _ = run("predict model mixed.csv --format jsonl")
    assert json.loads(as_json.splitlines()[0]) == {"label": "pos"}


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("plain.csv", f'neg,"{GOOD}"\nneg,"{BAD}"\n', ""),
        ("mark.csv", f'\ufeff,"{GOOD}"\n,"{BAD}"\n', ""),
        ("single.csv", f'"{GOOD}"\n"{BAD}"\n', ""),
        ("names.csv", f'title,body\nso,"{GOOD}"\n,"{BAD}"\n', "--text-column body"),
        ("head.csv", f'a,b\n"{GOOD}",x\n"{BAD}",y\n', "--header --text-column 0"),
        ("two.csv", "so good,a fine film\nwhat a,bore\n", "--text-column 0 --text-col"),
        ("last.csv", f'1,"{GOOD}"\n2,"{BAD}"\n', "--text-column -1"),
        ("lines.txt", f"{GOOD}\n{BAD}\n", "--lines"),
        ("dos.txt", f"{GOOD}\r\n{BAD}", "--lines"),
        ("small.csv.gz", f'neg,"{GOOD}"\nneg,"{BAD}"\n', ""),
        ("small.txt.xz", f"{GOOD}\n{BAD}\n", "--lines"),
    ],
)
def test_predict_reads_layout(run, folder, name, content, options):
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    (folder / name).write_bytes(pack(content.encode()))
    options += "umn 1" if options.endswith("--text-col") else ""
    code, out, err = run(f"predict model {name} {options}")
    assert (code, err) == (0, "")
    assert read_labels(out) == ["pos", "neg"]


def test_predict_lines_one_label_per_line(run, folder):
    """Each line is a text, even if it is empty or has quotes or separators."""
    lines = ["", GOOD, '"a quote', " ", "\u2028 a,b", "é 日本 🎬", ""]
    (folder / "odd.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = run("predict model odd.txt --lines")
    assert code == 0
    assert read_labels(out) == load("model").predict(lines).tolist()


def test_predict_lines_of_empty_file(run, folder):
    (folder / "empty.txt").write_text("")
    assert run("predict model empty.txt --lines") == (0, "label\n", "")


def test_predict_writes_utf8_on_ascii_terminal(folder, monkeypatch):
    """Messages are escaped for an ASCII terminal; predictions are UTF-8."""
    monkeypatch.chdir(folder)
    write_csv(folder / "wide.csv", [["gut, é", GOOD], ["schlecht", BAD]] * 9)
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    options = "--model kimcnn --set max_epochs=1 --out wide --set verbose=0"
    assert main(f"train wide.csv {options}".split()) == 0
    assert b"gut, \\xe9 9, schlecht 9" in shown.buffer.getvalue()
    shown.buffer.truncate(0)
    shown.buffer.seek(0)
    assert main(["predict", "wide", "wide.csv", "--probabilities"]) == 0
    head, *_ = csv.reader(io.StringIO(shown.buffer.getvalue().decode("utf-8")))
    assert head == ["label", "gut, é", "schlecht"]


class SlowInput(io.BufferedIOBase):
    """Input that arrives line by line; records the output before each line."""

    def __init__(self, lines, n_written):
        self.lines, self.n_written, self.seen = list(lines), n_written, []

    def readable(self):
        return True

    def read1(self, size=-1):
        self.seen.append(self.n_written())
        return self.lines.pop(0).encode() if self.lines else b""


@pytest.mark.parametrize("options", ["--lines", "--text-column 0"])
def test_predict_streams_input(folder, monkeypatch, options):
    """Each batch is predicted and written before the next one is read."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(_predict, "_MAX_TEXTS", 5)
    shown = io.TextIOWrapper(io.BytesIO())
    texts = [f"{GOOD.replace(',', '')}\n", f"{BAD.replace(',', '')}\n"] * 10
    stdin = SlowInput(texts, lambda: shown.buffer.getvalue().count(b"\n"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
    monkeypatch.setattr(sys, "stdout", shown)
    assert main(f"predict model - {options}".split()) == 0
    assert read_labels(shown.buffer.getvalue().decode()) == ["pos", "neg"] * 10
    # The last batch is written at the end.
    assert stdin.seen[-1] >= 1 + 15
    behind = [read - n_written for read, n_written in enumerate(stdin.seen)]
    assert max(behind) <= 6
    assert not sys.stdin.buffer.closed


def test_batches_limit_characters(monkeypatch):
    monkeypatch.setattr(_predict, "_MAX_CHARACTERS", 100)
    rows = (("a" * 40, [cell]) for cell in ["b" * 20] * 5 + ["c"])
    portions = list(_predict._batches(rows))
    assert [len(texts) for texts, _ in portions] == [2, 2, 2]
    assert [len(kept) for _, kept in portions] == [2, 2, 2]


def test_predict_out_is_atomic(run, folder):
    """An error leaves an existing output file unchanged."""
    out = folder / "answers.csv"
    assert run("predict model films.csv --out answers.csv") == (0, "", "")
    assert read_labels(out.read_text()) == ["pos", "neg"] * 20
    (folder / "late.csv").write_text("pos,y z\n" * 3000 + "x\n")
    code, _, err = run("predict model late.csv --out answers.csv")
    assert code == 2
    assert "late.csv, line 3001: expected 2 columns" in err
    assert read_labels(out.read_text()) == ["pos", "neg"] * 20
    assert not list(folder.glob("*.part"))
