"""Headers and columns: which files each command reads, and how, or why not."""

import csv
import io
import json

import numpy as np
import pytest

from sktextconv import TextStore, load, read_csv

from .films import FILMS, MODELS, TRAIN, table, write_csv

pytestmark = pytest.mark.usefixtures("models")

OPEN = "cannot tell which"  # whether the first record is a header
LABELS = "expected the labels in the first of the columns"
TEXTS = "expected texts in all of the columns"
SINGLE = "expected a single column, of texts, got"
NAMES = "expected columns with the names in training, 'label', 'text', got"
POSITIONS = "expected 2 columns without names, with labels of the model in column 0"
LABEL = "expected a label of the model in column 0, as in training, got"
AGAIN = "line 6: expected a record, got the names of the columns again"
UNKNOWN = "expected labels of the training data, 'neg', 'pos'"

# Each file with the result of each command: the texts, or a part of the error. The
# results of evaluate and predict are those of three models: trained on a file with the
# names label and text, on one without a header, and one that stores no columns.
CASES = {
    "no header": (table(), FILMS, (FILMS, FILMS, FILMS), (FILMS, FILMS, SINGLE)),
    "header": (
        table("label", "text"),
        FILMS,
        (FILMS, FILMS, FILMS),
        (FILMS, POSITIONS, SINGLE),
    ),
    "header with spaces": (
        table(" Label", "Review Text "),
        FILMS,
        (NAMES, FILMS, FILMS),
        (NAMES, POSITIONS, SINGLE),
    ),
    "header of other names": (
        table("class", "review_body"),
        FILMS,
        (NAMES, FILMS, FILMS),
        (NAMES, POSITIONS, SINGLE),
    ),
    "header of one common name": (
        table("kind", "text"),
        OPEN,
        (OPEN, OPEN, OPEN),
        (FILMS, POSITIONS, SINGLE),
    ),
    "header of no common name": (
        table("foo", "bar"),
        "its label 'foo' occurs in no other record; pass header=True if",
        (OPEN, OPEN, OPEN),
        (NAMES, POSITIONS, SINGLE),
    ),
    "header with a label": (
        table("pos", "text"),
        "'text' is a common name of a column",
        (OPEN, OPEN, OPEN),
        (OPEN, OPEN, SINGLE),
    ),
    "header that is repeated": (
        [*table("label", "text"), *table("label", "text")],
        "line 6: expected a record, got the names of the columns again",
        (AGAIN, AGAIN, AGAIN),
        (AGAIN, POSITIONS, SINGLE),
    ),
    "header like a record": (
        [*table("label", "text"), ["label", "fine"]],
        "its cells are common names, but 'label' is also a label",
        (UNKNOWN, OPEN, OPEN),
        ([*FILMS, "fine"], POSITIONS, SINGLE),
    ),
    "header like a text": (
        [*table("label", "text"), ["pos", "text"]],
        "its cells are common names, but another record has its text",
        ([*FILMS, "text"], OPEN, OPEN),
        ([*FILMS, "text"], POSITIONS, SINGLE),
    ),
    "pandas without names": (
        table("0", "1"),
        "its cells are numbers, as in a header that pandas writes",
        (OPEN, OPEN, OPEN),
        (NAMES, POSITIONS, SINGLE),
    ),
    "pandas with an index": (
        table("", "label", "text", order=(2, 0, 1)),
        LABELS,
        (FILMS, "expected 2 columns", LABELS),
        (FILMS, "expected 2 columns", SINGLE),
    ),
    "texts first": (
        table("text", "label", order=(1, 0)),
        LABELS,
        (FILMS, UNKNOWN, LABELS),
        (FILMS, POSITIONS, SINGLE),
    ),
    "texts first, no header": (
        table(order=(1, 0), texts=[f"{text} {at}" for at, text in enumerate(FILMS)]),
        "occurs in no other record; pass header=True if this line names the columns, "
        "or header=False if it is data, or label_column if another column has the ",
        (OPEN, OPEN, OPEN),
        (LABEL, LABEL, SINGLE),
    ),
    "text and number": (
        table("text", "stars", order=(1, 2)),
        LABELS,
        (NAMES, UNKNOWN, LABELS),
        (FILMS, POSITIONS, SINGLE),
    ),
    "identifiers": (
        table("id", "label", "text", order=(2, 0, 1)),
        LABELS,
        (FILMS, "expected 2 columns", LABELS),
        (FILMS, "expected 2 columns", SINGLE),
    ),
    "number after the text": (
        table("label", "text", "id", order=(0, 1, 2)),
        TEXTS,
        (FILMS, "expected 2 columns", TEXTS),
        (FILMS, "expected 2 columns", SINGLE),
    ),
    "two fields": (
        table("label", "title", "text", order=(0, 2, 1)),
        [f"{at} {text}" for at, text in enumerate(FILMS)],
        (FILMS, "expected 2 columns", [f"{i} {x}" for i, x in enumerate(FILMS)]),
        (FILMS, "expected 2 columns", SINGLE),
    ),
    "two fields, no header": (
        table(order=(0, 2, 1)),
        [f"{at} {text}" for at, text in enumerate(FILMS)],
        (NAMES, "expected 2 columns", [f"{i} {x}" for i, x in enumerate(FILMS)]),
        (NAMES, "expected 2 columns", SINGLE),
    ),
    "four columns": (
        table("id", "label", "text", "stars", order=(2, 0, 1, 2)),
        LABELS,
        (FILMS, "expected 2 columns", LABELS),
        (FILMS, "expected 2 columns", SINGLE),
    ),
    "duplicate names": (
        table("label", "text", "text", order=(0, 1, 2)),
        OPEN,
        (NAMES, "expected 2 columns", OPEN),
        (NAMES, "expected 2 columns", SINGLE),
    ),
    "two records": (
        table(texts=FILMS[:2]),
        OPEN,
        (FILMS[:2], FILMS[:2], FILMS[:2]),
        (FILMS[:2], FILMS[:2], SINGLE),
    ),
    "two records and a header": (
        table("label", "text", texts=FILMS[:2]),
        FILMS[:2],
        (FILMS[:2], FILMS[:2], FILMS[:2]),
        (FILMS[:2], POSITIONS, SINGLE),
    ),
    "a header alone": (
        [["label", "text"]],
        "expected records after the header",
        ("after the header", "after the header", "after the header"),
        ("expected records after the header", POSITIONS, SINGLE),
    ),
    "short texts like names": (
        table(texts=["fine", "dull", "good", "long"]),
        ["fine", "dull", "good", "long"],
        (["fine", "dull", "good", "long"],) * 3,
        (["fine", "dull", "good", "long"],) * 2 + (SINGLE,),
    ),
    "numeric texts": (
        table(texts=["17", "3.5", "17", "0"]),
        ["17", "3.5", "17", "0"],
        (["17", "3.5", "17", "0"],) * 3,
        (["17", "3.5", "17", "0"],) * 2 + (SINGLE,),
    ),
    "numeric texts and a header": (
        table("label", "text", texts=["17", "3.5", "17", "0"]),
        ["17", "3.5", "17", "0"],
        (["17", "3.5", "17", "0"],) * 3,
        (["17", "3.5", "17", "0"], POSITIONS, SINGLE),
    ),
    "numeric labels": (
        table(labels=("5", "1")),
        FILMS,
        (UNKNOWN, UNKNOWN, UNKNOWN),
        (LABEL, LABEL, SINGLE),
    ),
    "numeric labels and a header": (
        table("stars", "review", labels=("5", "1")),
        FILMS,
        (NAMES, UNKNOWN, UNKNOWN),
        (NAMES, POSITIONS, SINGLE),
    ),
    "numeric labels and other names": (
        table("foo", "bar", labels=("5", "1")),
        "its label 'foo' occurs in no other record",
        (OPEN, OPEN, OPEN),
        (NAMES, POSITIONS, SINGLE),
    ),
    "numeric labels without names": (
        table("0", "1", labels=("0", "1")),
        "its cells are numbers",
        (OPEN, OPEN, OPEN),
        (NAMES, POSITIONS, SINGLE),
    ),
    "numeric labels and texts": (
        table(labels=("2", "1"), texts=["17", "3", "17", "0"]),
        ["17", "3", "17", "0"],
        (UNKNOWN, UNKNOWN, UNKNOWN),
        (["17", "3", "17", "0"],) * 2 + (SINGLE,),
    ),
    "texts alone": (
        table(order=(1,)),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (FILMS, FILMS, FILMS),
    ),
    "texts alone and a header": (
        table("text", order=(1,)),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (FILMS, OPEN, OPEN),
    ),
    "texts alone and another header": (
        table("Customer feedback", order=(1,)),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (OPEN, OPEN, OPEN),
    ),
    "texts alone and a foreign header": (
        table("Beschreibung", order=(1,)),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (OPEN, OPEN, OPEN),
    ),
    "texts alone, pandas": (
        table("0", order=(1,)),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (OPEN, OPEN, OPEN),
    ),
    "numeric texts alone": (
        table(order=(1,), texts=["17", "3", "5"]),
        "expected a column of labels and at least one of texts",
        (NAMES, "expected 2 columns", "at least one of texts"),
        (["17", "3", "5"],) * 3,
    ),
}


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_read_csv_and_store_of_table(folder, tmp_path, name, quoting, end):
    """`read_csv` and `TextStore.from_csv` read the same texts, or tell why not."""
    rows, expected, _, _ = CASES[name]
    path = write_csv(folder / "table.csv", rows, quoting=quoting, end=end)
    for read in (read_csv, lambda path: TextStore.from_csv(path, tmp_path / "store")):
        if isinstance(expected, str):
            with pytest.raises(ValueError, match=r"table\.csv") as raised:
                read(path)
            assert expected in str(raised.value)
            assert list(tmp_path.iterdir()) == []
            continue
        found = read(path)
        assert found.data == expected
        names = np.array(found.target_names)
        labels = names[found.target] if found.target.dtype.kind == "i" else found.target
        assert labels.tolist() == [row[0] for row in rows[-len(expected) :]]
        (tmp_path / "store").unlink(missing_ok=True)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_evaluate_of_table(run, folder, model, name):
    """`evaluate` reads the columns of training, or the error is one line."""
    rows, _, outcomes, _ = CASES[name]
    write_csv(folder / "table.csv", rows)
    expected = outcomes[MODELS.index(model)]
    code, out, err = run(f"evaluate {model} table.csv --json")
    if isinstance(expected, str):
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert expected in err
        return
    assert (code, err) == (0, "")
    truth = np.array(["pos", "neg"] * len(expected))[: len(expected)]
    n_wrong = int((load(model).predict(expected) != truth).sum())
    found = json.loads(out)
    assert (found["n_texts"], found["n_wrong"]) == (len(expected), n_wrong)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("model", MODELS)
def test_predict_of_table(run, folder, model, name):
    """`predict` classifies the texts and nothing else, or the error is one line."""
    rows, _, _, outcomes = CASES[name]
    write_csv(folder / "table.csv", rows, quoting=csv.QUOTE_ALL)
    expected = outcomes[MODELS.index(model)]
    code, out, err = run(f"predict {model} table.csv --probabilities")
    if isinstance(expected, str):
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert expected in err
        return
    assert (code, err) == (0, "")
    _, *found = csv.reader(io.StringIO(out))
    probabilities = np.array([row[1:] for row in found], dtype=float)
    assert probabilities.shape == (len(expected), 2)
    wanted = load(model).predict_proba(expected)
    np.testing.assert_allclose(probabilities, wanted, atol=1e-6, rtol=0)


# -- training ------------------------------------------------------------------


def stored(names, label=0, texts=(1,)):
    n_columns = 2 if names is None else len(names)
    return {
        "n_columns": n_columns,
        "names": names,
        "label": label,
        "texts": list(texts),
    }


TRAINED = {
    "no header": (table(), "", stored(None)),
    "header": (table("label", "text"), "", stored(["label", "text"])),
    "by name": (
        table("id", "kind", "body", order=(2, 0, 1)),
        "--label-column kind --text-column body",
        stored(["id", "kind", "body"], 1, [2]),
    ),
    "by number": (
        table("id", "kind", "body", order=(2, 0, 1)),
        "--label-column 1 --text-column -1 --header",
        stored(["id", "kind", "body"], 1, [2]),
    ),
    "ambiguous": (table("kind", "text"), "", OPEN),
    "ambiguous, told": (table("kind", "text"), "--header", stored(["kind", "text"])),
    "text, told": (table("pos", "fine"), "--no-header", stored(None)),
    "texts first": (table("text", "label", order=(1, 0)), "", LABELS),
    "number after the text": (table("label", "text", "id", order=(0, 1, 2)), "", TEXTS),
}


@pytest.mark.parametrize("name", TRAINED)
def test_train_stores_columns(run, folder, name):
    """A model stores where the labels and texts of its file were."""
    rows, options, expected = TRAINED[name]
    write_csv(folder / "table.csv", rows)
    tiny = TRAIN.replace("--out other", "--out here --valid 0.5 --set verbose=0")
    code, _, err = run(f"train table.csv {tiny} {options}")
    if isinstance(expected, str):
        assert (code, expected in err) == (2, True)
        assert not (folder / "here").exists()
        return
    assert (code, err) == (0, "")
    model = load(folder / "here")
    assert model.columns_ == expected
    assert model.classes_.tolist() == ["neg", "pos"]
    # With names, predict finds the texts in any order.
    step = 1 if expected["names"] is None else -1
    write_csv(folder / "table.csv", [row[::step] for row in rows])
    texts = [row[expected["texts"][0]] for row in rows[step < 0 :]]
    code, out, _ = run("predict here table.csv")
    assert code == 0
    assert out.split() == ["label", *model.predict(texts)]
    (folder / "here").unlink()


def test_header_is_no_class_without_validation(run, folder):
    """A header is no class of its own, even if no text is held out."""
    rows = table("kind", "wording", texts=FILMS * 10)
    write_csv(folder / "table.csv", rows)
    code, out, err = run(f"train table.csv {TRAIN} --valid 0")
    assert (code, out) == (2, "")
    assert "its label 'kind' occurs in no other record" in err
    code, out, _ = run(f"train table.csv {TRAIN} --valid 0 --no-header")
    assert code == 0
    assert "table.csv: 41 texts of 3 classes: kind 1, neg 20, pos 20" in out
    code, out, _ = run(f"train table.csv {TRAIN} --valid 0 --header")
    assert "table.csv: 40 texts of 2 classes: neg 20, pos 20" in out


def test_valid_file_has_columns_of_training(run, folder):
    """A validation file is read by the names of the training file."""
    write_csv(folder / "table.csv", table("label", "text"))
    write_csv(folder / "held.csv", table("text", "id", "label", order=(1, 2, 0)))
    code, out, _ = run(f"train table.csv {TRAIN} --valid held.csv")
    assert code == 0
    assert "held.csv: 4 texts of 2 classes: neg 2, pos 2" in out
    write_csv(folder / "held.csv", table("text", "id", "kind", order=(1, 2, 0)))
    code, _, err = run(f"train table.csv {TRAIN} --valid held.csv")
    assert (code, NAMES in err) == (2, True)
    write_csv(folder / "held.csv", table(texts=FILMS[:2]))
    code, out, _ = run(f"train table.csv {TRAIN} --valid held.csv")
    assert code == 0
    assert "held.csv: 2 texts of 2 classes: neg 1, pos 1" in out


def test_error_about_columns_shows_no_text(run, folder):
    """Long texts in the first record are cut in the error."""
    secret = "a text that nobody but its author and its readers may ever see"
    write_csv(folder / "table.csv", [[secret, "3"], [secret, "4"]])
    for command in (
        "train table.csv --label-column kind " + TRAIN,
        "predict plain tab",
    ):
        command += "le.csv" if command.endswith(" tab") else ""
        code, _, err = run(command)
        assert code == 2
        assert "a text that nobody b…" in err
        assert "author" not in err


def test_other_columns_have_no_positions(run, folder):
    """Texts are not sought by position if the training file named other columns."""
    tiny = TRAIN.replace("other", "here") + " --valid 0 --set verbose=0"
    rows = table("id", "label", "text", order=(2, 0, 1))
    write_csv(folder / "table.csv", rows)
    options = "--label-column label --text-column text"
    assert run(f"train table.csv {tiny} {options}")[0] == 0
    write_csv(folder / "table.csv", table(order=(1, 0, 2)))
    for command in ("predict here table.csv", "evaluate here table.csv"):
        code, out, err = run(command)
        assert (code, out) == (2, "")
        assert NAMES in err
    write_csv(folder / "table.csv", rows[1:])
    assert run(f"train table.csv {tiny} --label-column 1 --text-column 2")[0] == 0
    assert run("predict here table.csv")[0] == 0
