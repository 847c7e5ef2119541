"""The command `explain`."""

import io
import re
import sys

import pytest

import sktextconv
from sktextconv import load
from sktextconv.cli import main


def test_explain_annotates_outside_terminal(run):
    """Without a terminal, the output has weights in brackets and no escape codes."""
    text = "so good but \x1b[31mtoo long"
    code, out, _ = run("explain model --target pos --text", text)
    assert code == 0
    assert out.isprintable() or set(out) - {"\n"} <= set(map(chr, range(32, 0x110000)))
    head, _, line = out.splitlines()
    assert head == (
        "pos, by occlusion: weights relative to the largest, - is against the label"
    )
    attribution = sktextconv.explain(load("model"), text, target="pos")
    weights = attribution.weights / abs(attribution.weights).max()
    marks = {
        word: f"[{word} {weight:+.2f}]"
        for word, weight in zip(attribution.words, weights, strict=True)
        if abs(weight) >= 0.1
    }
    assert "so" in marks or "good" in marks
    assert all(mark in line for mark in marks.values())
    assert line.count("+") + line.count("-") == len(marks)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("variable", [None, "NO_COLOR", "TERM"])
def test_explain_highlights_on_terminal(folder, monkeypatch, variable):
    """A terminal gets colors unless NO_COLOR or TERM=dumb is set."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, "dumb")
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    assert main(["explain", "model", "--target", "pos", "--text", "so good"]) == 0
    codes = "\x1b[48;5;166;38;5;16m"  # black on orange
    assert (codes in shown.getvalue()) == (variable is None)
    assert ("+1.00]" in shown.getvalue()) == (variable is not None)


def test_explain_html_escapes_text(run, folder):
    text = "so <script>good</script>"
    assert run("explain model --html page.html --text", text) == (0, "", "")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<meta charset="utf-8">')
    assert "<script" not in page
    assert "good</span>" in page
    assert re.search("<title>model: (neg|pos)</title>", page)
    assert '<meta name="color-scheme" content="light dark">' in page
    assert len(re.findall(r"width:[\d.]+%;height:100%", page)) == 2


@pytest.mark.filterwarnings("default")
def test_explain_without_known_word(run):
    code, out, err = run("explain model --text", "zzyzx qwrtp")
    assert code == 0
    assert out.startswith(("neg, by occlusion", "pos, by occlusion"))
    assert err == (
        "sktextconv: warning: No word of the text is in the vocabulary of "
        "KimCNNClassifier, so the weights tell nothing about its words.\n"
    )
