"""Model cards and the last lines of `train`."""

import importlib.metadata
import re
import shlex

import pytest

from .films import BAD, GOOD, SETTINGS, TRAIN, write_csv

TRAIN_CARD = f"train films.csv {TRAIN} --set verbose=0 --card card.md"


def read_tables(card):
    """Return the tables of a page in Markdown, as lists of rows of cells."""
    tables = re.findall(r"(?:^\|.*\|\n)+", card, re.M)
    return [
        [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
            for row in table.splitlines()
        ]
        for table in tables
    ]


def test_train_prints_use(run, folder):
    """The last line is a command that works, even for a name with a space."""
    out = ["--out", "a model.safetensors"]
    code, printed, _ = run(f"train films.csv {TRAIN} --set verbose=0", *out)
    assert code == 0
    *_, line = printed.splitlines()
    command = line.removeprefix("label new texts with: ").replace(
        "NEW.csv", "films.csv"
    )
    assert command == "sktextconv predict 'a model.safetensors' films.csv"
    code, printed, _ = run("", *shlex.split(command)[1:])
    assert (code, printed.count("\n")) == (0, 41)


def test_card_describes_data(run, folder):
    """The card has files, sizes and classes of both parts of the data."""
    code, _, err = run(TRAIN_CARD)
    assert (code, err) == (0, "")
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith("# Model card: other\n")
    assert "texts into 2 classes: the model `kimcnn` (KimCNNClassifier)" in card
    assert f"{(folder / 'other').stat().st_size / 1e6:.1f} MB." in card
    files, classes = read_tables(card)[:2]
    longest = str(max(map(len, (GOOD, BAD))))
    assert files[2][:3] == ["trained on", "`films.csv`", "36"]
    assert files[3][:3] == ["held out", "`films.csv`", "4"]
    assert [row[4:] for row in files[2:]] == [[longest, "0"]] * 2
    assert classes[0] == ["class", "trained on", "held out"]
    assert classes[2:] == [["neg", "18", "2"], ["pos", "18", "2"]]


def test_card_has_error_of_held_out_texts(run, folder, mixed):
    """Its figures are those that `evaluate` prints of the same texts."""
    settings = " ".join(SETTINGS)
    command = f"train films.csv --model kimcnn {settings} --set verbose=0 --out other"
    assert run(f"{command} --valid mixed.csv --card card.md")[0] == 0
    card = (folder / "card.md").read_text(encoding="utf-8")
    printed = run("evaluate other mixed.csv")[1]
    assert printed.splitlines()[1] + "." in card
    for title, value, interval in read_tables(card)[2][2:]:
        assert f"{title} {value} (95 % interval {interval})" in printed
    assert [row[0] for row in read_tables(card)[3][2:]] == ["neg", "pos"]


def test_card_counts_worker_processes(run, folder):
    """The CPU time is also that of the processes that train."""
    resource = pytest.importorskip("resource")

    def of_children():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = of_children()
    assert run(f"{TRAIN_CARD} --set n_workers=2 --device cpu")[0] == 0
    of_workers = of_children() - before
    card = (folder / "card.md").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"- CPU time: ([\d,.]+) s\n", card)
    # The card has one decimal.
    assert float(seconds.replace(",", "")) >= of_workers - 0.05


def test_card_has_settings_and_versions(run, folder):
    """Parameters that differ from the defaults, seed and versions are stated."""
    assert run(f"{TRAIN_CARD} --seed 7 --set widths=2,3")[0] == 0
    card = (folder / "card.md").read_text(encoding="utf-8")
    (*_, parameters) = read_tables(card)
    assert dict(parameters[2:]) == {"max\\_epochs": "1", "widths": "(2, 3)"}
    assert "- Seed: 7\n" in card
    for package in ("sktextconv", "numpy", "torch", "scikit-learn"):
        assert f"{package} {importlib.metadata.version(package)}" in card
    assert re.search(r"- CPU time: \d+\.\d s\n", card)
    assert "## Intended use and limits" in card


def test_card_without_held_out_texts(run, folder):
    """A card without an error says so, and how to measure it."""
    assert run(f"{TRAIN_CARD} --valid 0")[0] == 0
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "The error was not measured: all texts were trained on." in card
    assert len(read_tables(card)[1][0]) == 2


def test_card_of_linear_model(run, folder):
    """A pipeline states the parameters of its steps; torch has no part in it."""
    command = "train films.csv --model tfidf --set C=0.3 --out linear --card linear.md"
    assert run(command)[0] == 0
    card = (folder / "linear.md").read_text(encoding="utf-8")
    assert "the model `tfidf` (make_tfidf_classifier)" in card
    assert ["probabilisticlinearsvc\\_\\_C", "0.3"] in read_tables(card)[-1]
    assert "torch" not in card
    command = "train films.csv --model bow --set tfidf=true --out bow --card bow.md"
    assert run(command)[0] == 0
    parameters = read_tables((folder / "bow.md").read_text())[-1]
    assert parameters[2:] == [["countscaler\\_\\_idf", "True"]]


def test_card_escapes_labels(run, folder):
    """Labels with characters of Markdown and line breaks fill one cell of a table.

    Characters that reorder the text after them are replaced.
    """
    rows = [["a|b_*c*\u202e", GOOD], ["two\nlines <b>", BAD]] * 10
    write_csv(folder / "odd.csv", rows)
    assert run(f"train odd.csv {TRAIN} --card odd.md")[0] == 0
    tables = read_tables((folder / "odd.md").read_text(encoding="utf-8"))
    labels = [row[0] for row in tables[1][2:]]
    assert labels == ["a\\|b\\_\\*c\\*\ufffd", "two lines \\<b\\>"]
    assert all(len({*map(len, table)}) == 1 for table in tables)


def test_card_folder_is_checked_first(run, folder):
    code, out, err = run(f"train films.csv {TRAIN} --card no/card.md")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no/card.md: expected a file in a writable folder." in err
    code, out, err = run(f"train films.csv {TRAIN} --card other")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--card other: expected another file than --out." in err
