"""The command `train`."""

import numpy as np

from sktextconv import load
from sktextconv.cli._arguments import parse_setting

from .films import BAD, GOOD, TRAIN, write_csv


def test_set_parses_literals_and_words():
    read = {
        text: parse_setting(f"name={text}")[1]
        for text in ("3", "1e-3", "2,3", "[2]", "true", "None", "one_cycle", "a=b", "")
    }
    assert read == {
        "3": 3,
        "1e-3": 1e-3,
        "2,3": (2, 3),
        "[2]": [2],
        "true": True,
        "None": None,
        "one_cycle": "one_cycle",
        "a=b": "a=b",
        "": "",
    }


def test_set_and_seed_reach_saved_network(run):
    command = f"train films.csv {TRAIN} --set widths=2,3 --set lowercase=false"
    assert run(f"{command} --seed 5")[0] == 0
    params = load("other").get_params()
    assert params["widths"] == (2, 3)
    assert params["lowercase"] is False
    assert (params["random_state"], params["max_epochs"]) == (5, 1)


def test_train_epochs_and_device(run):
    """`--epochs` and `--device` set these parameters of the network."""
    options = "--model kimcnn --set verbose=0 --out quick"
    assert run(f"train films.csv {options} --epochs 3 --device cpu")[0] == 0
    params = load("quick").get_params()
    assert (params["max_epochs"], params["device"]) == (3, "cpu")


def test_train_counts_empty_texts(run, folder):
    """Empty and blank cells are counted, in the training and validation texts."""
    rows = [["pos", GOOD], ["neg", BAD]] * 9
    write_csv(folder / "gaps.csv", [*rows, ["pos", ""], ["neg", " \n"], ["neg", ""]])
    write_csv(folder / "gap.csv", [*rows, ["pos", ""]])
    code, out, _ = run(f"train gaps.csv {TRAIN} --valid gap.csv")
    assert code == 0
    assert "gaps.csv: empty texts: 3 of 21\n" in out
    assert "gap.csv: empty texts: 1 of 19\n" in out
    assert "empty" not in run(f"train films.csv {TRAIN}")[1]


def test_train_is_deterministic(run, folder):
    for out in ("first", "second"):
        assert run(f"train films.csv {TRAIN} --out {out} --set verbose=0")[0] == 0
    first, second = (load(folder / name) for name in ("first", "second"))
    texts = [GOOD, BAD]
    assert np.array_equal(first.predict_proba(texts), second.predict_proba(texts))


def test_valid_texts_are_held_out(run):
    code, out, _ = run(f"train films.csv {TRAIN} --valid 0.25")
    assert code == 0
    assert "30 to train on, 10 held out" in out
    assert load("other").history_[0]["n_texts"] == 30
    code, out, _ = run(f"train films.csv {TRAIN} --valid films.csv")
    assert " of 40 texts\n" in out
    assert load("other").history_[0]["n_texts"] == 40
    code, out, _ = run(f"train films.csv {TRAIN} --valid 0")
    assert code == 0
    assert "held" not in out


def test_class_names_replace_labels(run, folder):
    """Labels are those of the file unless `--class-names` replaces them."""
    write_csv(folder / "numbers.csv", [["2", GOOD], ["1", BAD]] * 9)
    assert run(f"train numbers.csv {TRAIN}")[0] == 0
    assert load("other").classes_.tolist() == ["1", "2"]
    assert run(f"train numbers.csv {TRAIN} --class-names bad,good")[0] == 0
    assert load("other").classes_.tolist() == ["bad", "good"]
    code, out, _ = run("evaluate other numbers.csv --class-names bad,good")
    assert code == 0
    assert "numbers.csv: 18 texts of 2 classes: bad 9, good 9" in out


def test_examples_are_validation_texts_of_each_class(run, folder):
    """`--examples` stores different short validation texts, of each class in turn."""
    kinds = {"pos": ["good", "fine", "g" * 1001], "neg": ["bad", "bad", " ", "dull"]}
    rows = [[label, text] for label, texts in kinds.items() for text in texts]
    write_csv(folder / "held_out.csv", rows)
    command = f"train films.csv {TRAIN} --valid held_out.csv"
    assert run(command)[0] == 0
    assert not hasattr(load("other"), "examples_")
    assert run(f"{command} --examples 3")[0] == 0
    assert load("other").examples_ == ["bad", "good", "dull"]
    code, _, err = run(f"train films.csv {TRAIN} --valid 0 --examples 3")
    assert (code, err) == (
        2,
        "sktextconv: --examples: expected held-out texts, got --valid 0.\n",
    )
