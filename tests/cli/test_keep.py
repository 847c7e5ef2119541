"""The option `--keep` of `predict`: input columns beside the answer."""

import csv
import io
import json
from pathlib import Path

import pytest

from sktextconv import load

from .films import FILMS, MODELS, table, write_csv

pytestmark = pytest.mark.usefixtures("models")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("rows", "options", "names"),
    [
        (
            table("id", "label", "text", order=(2, 0, 1)),
            "--keep id,text",
            ["id", "text"],
        ),
        (table("text", "id", order=(1, 2)), "--keep 1,text", ["id", "text"]),
        (table("text", order=(1,)), "--keep 0 --header", ["text"]),
        (table(order=(2, 1)), "--keep 0,1 --no-header", ["0", "1"]),
        (table(order=(1,)), "--keep -1 --lines", ["-1"]),
    ],
)
def test_predict_keeps_columns(run, folder, model, rows, options, names):
    """The columns to keep stand beside the answer, in both formats."""
    path = Path(write_csv(folder / "table.csv", rows, quoting=csv.QUOTE_ALL))
    texts = FILMS
    if "--lines" in options:
        texts = ['"a, ""line"', *FILMS]
        path.write_text("\n".join(texts), encoding="utf-8")
        options = options.replace("-1", "0")
        names = ["0"]
    elif len(rows[0]) > 1:
        options += " --text-column text" if "text" in rows[0] else " --text-column 1"
    code, out, err = run(f"predict {model} table.csv {options}")
    assert (code, err) == (0, "")
    head, *found = csv.reader(io.StringIO(out))
    assert head == ["label", *names]
    assert [row[0] for row in found] == load(model).predict(texts).tolist()
    assert [row[-1] for row in found] == texts
    if len(names) == 2:
        assert [row[1] for row in found] == ["0", "1", "2", "3"]
    _, out, _ = run(f"predict {model} table.csv {options} --format jsonl")
    for line, row in zip(out.splitlines(), found, strict=True):
        expected = dict(zip(names, row[1:], strict=True))
        assert json.loads(line) == {"label": row[0], "input": expected}


def test_predict_keeps_columns_of_its_own_names(run, folder):
    """A column with a name of the answer gets a prefix in CSV."""
    write_csv(folder / "table.csv", table("label", "text", "neg", order=(0, 1, 2)))
    options = "--probabilities --keep label,neg"
    _, out, _ = run(f"predict named table.csv {options}")
    head, first, *_ = csv.reader(io.StringIO(out))
    assert head == ["label", "neg", "pos", "input_label", "input_neg"]
    assert first[3:] == ["pos", "0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--keep id", "one column named 'id', found 0 among 'label', 'text'"),
        (
            "--keep 2",
            "the position of one of 2 columns, counted from 0, or a name, got 2",
        ),
        ("--keep text,1", "expected different columns to keep, got 'text' twice"),
        ("--keep text --no-header", "expected a column's position, got 'text'"),
        ("--keep text --lines", "expected 0, the only column of lines, got 'text'"),
    ],
)
def test_predict_invalid_keep(run, folder, options, message):
    write_csv(folder / "table.csv", table("label", "text"))
    code, out, err = run(f"predict named table.csv {options}")
    assert (code, out) == (2, "")
    assert message.lower() in err.lower()
