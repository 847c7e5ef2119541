"""The command line: what it reads and writes, and what it says of mistakes."""

import contextlib
import csv
import gzip
import io
import json
import lzma
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sktextconv
from sktextconv import cli, load, networks
from sktextconv.cli import _commands, main
from sktextconv.cli._report import make_report

GOOD, BAD = "so good, a fine film", "what a bore, too long"
TINY = "max_epochs=4 batch_size=8 embedding_dim=16 n_filters=8 learning_rate=0.01"
SETTINGS = [part for name in TINY.split() for part in ("--set", name)]


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `films.csv`, of 40 texts, and `model`, trained on it."""
    folder = tmp_path_factory.mktemp("cli")
    data = write_csv(folder / "films.csv", [["pos", GOOD], ["neg", BAD]] * 20)
    out = str(folder / "model")
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(["train", data, "--model", "kimcnn", *SETTINGS, "--out", out])
    assert code == 0
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run a command in the folder; return its code, output and error."""
    monkeypatch.chdir(folder)

    def run(command, *more):
        code = main([*command.split(), *more])
        return code, *capsys.readouterr()

    return run


def test_the_installed_program_does_what_it_says(tmp_path):
    program = shutil.which("sktextconv", path=Path(sys.executable).parent)
    assert program, "no program beside this Python: install the package again"
    write_csv(tmp_path / "films.csv", [["pos", GOOD], ["neg", BAD]] * 20)

    def run(*command):
        return subprocess.run(
            [program, *command], cwd=tmp_path, capture_output=True, text=True
        )

    out = ["--model", "kimcnn", *SETTINGS, "--out", "m.safetensors"]
    trained = run("train", "films.csv", *out)
    assert (trained.returncode, trained.stderr) == (0, "")
    lines = trained.stdout.splitlines()
    assert lines[0] == "films.csv: 40 texts of 2 classes: neg 20, pos 20"
    assert lines[1] == "36 to train on, 4 held out"
    assert [line[:9] for line in lines[2:6]] == [f"epoch   {n}" for n in range(1, 5)]
    assert lines[6].startswith("held-out error 0.00 % (95 % interval 0.00 to ")
    assert lines[7].startswith("saved m.safetensors (")
    assert len(lines) == 8
    evaluated = run("evaluate", "m.safetensors", "films.csv")
    assert (evaluated.returncode, evaluated.stderr) == (0, "")
    assert "\nerror 0.00 % (95 % interval 0.00 to 8.76), 0 of 40" in evaluated.stdout
    # More than a pipe holds, so that the reader leaves before the end.
    write_csv(tmp_path / "many.csv", [["pos", GOOD], ["neg", BAD]] * 10_000)
    with subprocess.Popen(
        [program, "predict", "m.safetensors", "many.csv", "--probabilities"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as predicting:
        head, first, second = (predicting.stdout.readline() for _ in range(3))
        predicting.stdout.close()
        assert (predicting.stderr.read(), predicting.wait()) == ("", 0)
    assert head == "label,neg,pos\n"
    assert (first[:4], second[:4]) == ("pos,", "neg,")
    explained = run("explain", "m.safetensors", "--text", "so good")
    assert (explained.returncode, explained.stderr) == (0, "")
    assert "+1.00]" in explained.stdout


def test_help_of_every_command_waits_for_no_import():
    script = (
        "import sys; from sktextconv.cli import main\n"
        f"for command in {['', *_commands.COMMANDS]}:\n"
        "    try: main([*command.split(), '--help'])\n"
        "    except SystemExit as done: assert done.code == 0\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'skorch', 'tqdm'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.count("usage: sktextconv") == 1 + len(_commands.COMMANDS)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"sktextconv {sktextconv.__version__}\n"


def test_every_network_that_can_be_saved_is_offered_and_no_other():
    classifiers = {name for name in networks.__all__ if name.endswith("Classifier")}
    assert {*cli.MODELS.values()} == classifiers
    assert all(f"{k}classifier" == name.lower() for k, name in cli.MODELS.items())


# -- mistakes --------------------------------------------------------------------

TRAIN = "--model kimcnn --set max_epochs=1 --out other"

MISTAKES = {
    "": "arguments are required: COMMAND; see sktextconv --help.",
    "trian x": "invalid choice: 'trian'",
    "train films.csv": "required: --out; see sktextconv train --help.",
    "train films.csv --out o --fast": "unrecognized arguments: --fast",
    # the network
    "train films.csv --out o --model kimnn": "invalid choice: 'kimnn' (choose from",
    f"train films.csv {TRAIN} --set max_epoch=3": "kimcnn has no parameter "
    "'max_epoch'; did you mean max_epochs?",
    f"train films.csv {TRAIN} --set size=small": "no parameter 'size'; valid names: a",
    f"train films.csv {TRAIN} --set dropout=2": "'dropout' parameter of KimCNN"
    "Classifier must be a float in the range [0.0, 1.0). Got 2 instead.",
    f"train films.csv {TRAIN} --set dropout": "expected NAME=VALUE, got 'dropout'",
    f"train films.csv {TRAIN} --set device=gpu": "Got 'gpu', which fails with",
    f"train films.csv {TRAIN} --set recipe=none": "must be a str among {'modern', 'pa",
    f"train films.csv {TRAIN} --set vectors=no.vec": "no.vec",
    f"train films.csv {TRAIN} --seed one": "argument --seed: invalid int value",
    # the data
    f"train nothing.csv {TRAIN}": "nothing.csv: No such file or directory.",
    f"train . {TRAIN}": ".: Is a directory.",
    f"train empty.csv {TRAIN}": "empty.csv: expected at least one record, found none",
    f"train ragged.csv {TRAIN}": "ragged.csv, line 2: expected 2 columns",
    f"train quote.csv {TRAIN}": "quote.csv, line 2: expected cells in double quotes",
    f"train latin.csv {TRAIN}": "latin.csv, line 2: expected UTF-8, got the byte 0xe9",
    f"train cut.csv.gz {TRAIN}": "cut.csv.gz, after line 0: expected a whole .gz file",
    f"train one.csv {TRAIN}": "one.csv: expected 2 classes or more, got only 'pos'.",
    f"train films.csv {TRAIN} --label-column 2": "the position of one of 2 columns",
    f"train films.csv {TRAIN} --label-column kind": "one column named 'kind', found 0",
    f"train films.csv {TRAIN} --text-column 0": "change --label-column or --text-col",
    f"train names.csv {TRAIN}": "expected 2 texts or more of each class, got 1 of "
    "'kind'; set the label column with --label-column, pass --header if the first line "
    "has the column names, or --valid 0.",
    f"train digits.csv {TRAIN}": "pass --header if this line names the columns",
    f"train films.csv {TRAIN} --class-names a,b": "a class number from 1 to 2 in",
    # what is held out
    f"train films.csv {TRAIN} --valid 1.5": "a fraction in [0, 1) or a file",
    f"train films.csv {TRAIN} --valid 0.01": "of each of 2 classes, got 1 in total; "
    "pass a larger fraction or --valid 0.",
    f"train films.csv {TRAIN} --valid nothing": "nothing: No such file or directory.",
    f"train films.csv {TRAIN} --valid digits.csv --header": "digits.csv: expected "
    "labels of the model, 'neg', 'pos', got '1', '2'.",
    # where it goes
    "train films.csv --out no/where": "no/where: expected a file in a writable folder.",
    "train films.csv --out .": ".: expected a file in a writable folder.",
    "predict model films.csv --out no/where": "no/where: expected a file in a writab",
    "explain model --text x --html no/where": "no/where: expected a file in a writab",
    # the model
    "evaluate nothing films.csv": "nothing: No such file or directory",
    "evaluate films.csv films.csv": "Expected films.csv to be a model that sktextconv",
    "predict damaged films.csv": "Expected damaged to be a model that sktextconv.save",
    "explain . --text x": "Expected . to be a model",
    "predict model films.csv --device gpu": "Got 'gpu', which fails with",
    # the rest
    "evaluate model digits.csv --header": "expected labels of the model",
    "predict model nothing.csv": "nothing.csv: No such file or directory.",
    "predict model nothing.csv --lines": "nothing.csv: No such file or directory.",
    "predict model films.csv --lines --header": "--lines: expected no --header or",
    "predict model latin.csv --lines": "latin.csv, line 2: expected UTF-8",
    "predict model films.csv --text-column text": "one column named 'text', found 0",
    "predict model films.csv --format xml": "argument --format: invalid choice: 'xml'",
    "explain model": "arguments are required: --text",
    "explain model --text x --target maybe": "of the model, 'neg', 'pos', got 'maybe'.",
    "explain model --text x --method attention": "Expected method to be one of those",
    "serve model --port http": "argument --port: invalid int value: 'http'",
    "export model": "required: --out",
}


@pytest.fixture(scope="module")
def spoilt(folder):
    """Files that are not what they should be."""
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("a,b\nc,d,e\n")
    (folder / "quote.csv").write_text('a,b\nc,"d" e\n')
    (folder / "latin.csv").write_bytes("a,b\nc,caf\xe9\n".encode("latin-1"))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 9)[:-9])
    write_csv(folder / "one.csv", [["pos", GOOD]] * 9)
    films = [["pos", GOOD], ["neg", BAD]] * 4
    write_csv(folder / "names.csv", [["kind", "text"], *films])
    write_csv(folder / "digits.csv", [["kind", "text"], ["1", GOOD], ["2", BAD]])
    model = bytearray((folder / "model").read_bytes())
    model[-1] ^= 1
    (folder / "damaged").write_bytes(model)


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_answered_in_one_sentence(run, spoilt, folder, command):
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    code, _, err = run(command)
    assert code == 2
    assert err.startswith("sktextconv: ")
    assert MISTAKES[command] in err
    assert len(err.splitlines()) == 1
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after == before


def test_a_training_that_fails_is_no_mistake_of_the_call(run, folder):
    how = "--set learning_rate=1e30 --set max_epochs=3"
    code, _, err = run(f"train films.csv {TRAIN} {how}")
    assert code == 1
    assert "loss became" in err
    assert len(err.splitlines()) == 1
    assert not (folder / "other").exists()


def test_an_output_that_is_full_is_no_mistake_of_the_call(run, monkeypatch):
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code, _, err = run("evaluate model films.csv")
    assert (code, err) == (1, "sktextconv: [Errno 28] No space left on device\n")


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_sentence_too(run):
    how = "--set learning_rate=1e-12 --set batch_size=1 --set max_epochs=14 --set "
    settings = [part for name in TINY.split()[2:4] for part in ("--set", name)]
    code, _, err = run(f"train films.csv {TRAIN} {how}verbose=0", *settings)
    assert code == 0
    assert err.startswith("sktextconv: warning: After 504 minibatches the training")
    assert len(err.splitlines()) == 1


def test_ctrl_c_ends_quietly_and_saves_nothing(folder):
    script = (
        "import signal, sys; from sktextconv.cli import main\n"
        # What runs in the background is started to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    settings = [*SETTINGS, "--set", "max_epochs=5000"]
    out = ["--model", "kimcnn", *settings, "--out", "interrupted"]
    with subprocess.Popen(
        [sys.executable, "-c", script, "train", "films.csv", *out],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not process.stdout.readline().startswith("epoch   2"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert (process.returncode, err) == (130, "")
    assert not list(folder.glob("interrupted*"))


# -- training --------------------------------------------------------------------


def test_settings_are_python_s_values_or_words():
    read = {
        text: cli._parse_setting(f"name={text}")[1]
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


def test_settings_and_seed_are_the_parameters_of_the_saved_network(run):
    command = f"train films.csv {TRAIN} --set widths=2,3 --set lowercase=false"
    assert run(f"{command} --seed 5")[0] == 0
    params = load("other").get_params()
    assert params["widths"] == (2, 3)
    assert params["lowercase"] is False
    assert (params["random_state"], params["max_epochs"]) == (5, 1)


def test_the_same_call_writes_the_same_file(run, folder):
    for out in ("first", "second"):
        assert run(f"train films.csv {TRAIN} --out {out} --set verbose=0")[0] == 0
    first, second = (load(folder / name) for name in ("first", "second"))
    texts = [GOOD, BAD]
    assert np.array_equal(first.predict_proba(texts), second.predict_proba(texts))


def test_texts_held_out_are_not_trained_on(run):
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


def test_labels_are_those_in_the_file_or_their_names(run, folder):
    write_csv(folder / "numbers.csv", [["2", GOOD], ["1", BAD]] * 9)
    assert run(f"train numbers.csv {TRAIN}")[0] == 0
    assert load("other").classes_.tolist() == ["1", "2"]
    assert run(f"train numbers.csv {TRAIN} --class-names bad,good")[0] == 0
    assert load("other").classes_.tolist() == ["bad", "good"]
    code, out, _ = run("evaluate other numbers.csv --class-names bad,good")
    assert code == 0
    assert "numbers.csv: 18 texts of 2 classes: bad 9, good 9" in out


# -- evaluating ------------------------------------------------------------------


@pytest.fixture
def mixed(folder):
    """A file with three errors in ten for the model."""
    rows = [["pos", GOOD]] * 4 + [["neg", BAD]] * 3 + [["pos", BAD]] * 3
    return write_csv(folder / "mixed.csv", rows)


def wilson(n_wrong, n):
    """Wilson (1927), from the textbook."""
    z, p = 1.959963984540054, n_wrong / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [middle - half, middle + half]


def test_evaluation_counts_right_and_says_how_sure_it_is(run, mixed):
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


def test_evaluation_for_people_says_the_same(run, mixed):
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


def test_a_class_without_texts_has_no_figures_but_a_row(run, folder):
    write_csv(folder / "pos.csv", [["pos", GOOD]] * 2)
    code, out, _ = run("evaluate model pos.csv")
    assert code == 0
    assert out.splitlines()[-2].split() == ["neg", "0", "-", "-", "-"]
    code, out, _ = run("evaluate model pos.csv --json")
    assert json.loads(out)["classes"][0]["recall"] is None


def test_a_table_is_80_columns_wide_whatever_labels_are():
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


# -- predicting ------------------------------------------------------------------


def labels_of(out):
    head, *rows = csv.reader(io.StringIO(out))
    assert head == ["label"]
    return [label for (label,) in rows]


def test_predictions_are_those_of_the_python_interface(run, mixed):
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


def test_json_lines_say_the_same_as_csv(run, mixed):
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
        ("plain.csv", f'x,"{GOOD}"\nx,"{BAD}"\n', ""),
        ("mark.csv", f'\ufeffx,"{GOOD}"\nx,"{BAD}"\n', ""),
        ("single.csv", f'"{GOOD}"\n"{BAD}"\n', ""),
        ("names.csv", f'title,body\nso,"{GOOD}"\n,"{BAD}"\n', "--text-column body"),
        ("head.csv", f'a,b\n"{GOOD}",x\n"{BAD}",y\n', "--header --text-column 0"),
        ("two.csv", "so good,a fine film\nwhat a,bore\n", "--text-column 0 --text-col"),
        ("last.csv", f'1,"{GOOD}"\n2,"{BAD}"\n', "--text-column -1"),
        ("lines.txt", f"{GOOD}\n{BAD}\n", "--lines"),
        ("dos.txt", f"{GOOD}\r\n{BAD}", "--lines"),
        ("small.csv.gz", f'x,"{GOOD}"\nx,"{BAD}"\n', ""),
        ("small.txt.xz", f"{GOOD}\n{BAD}\n", "--lines"),
    ],
)
def test_any_layout_of_texts_is_read(run, folder, name, content, options):
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(Path(name).suffix, bytes)
    (folder / name).write_bytes(pack(content.encode()))
    options += "umn 1" if options.endswith("--text-col") else ""
    code, out, err = run(f"predict model {name} {options}")
    assert (code, err) == (0, "")
    assert labels_of(out) == ["pos", "neg"]


def test_each_line_is_a_text_and_has_its_answer(run, folder):
    lines = ["", GOOD, '"a quote', " ", "\u2028 a,b", "é 日本 🎬", ""]
    (folder / "odd.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = run("predict model odd.txt --lines")
    assert code == 0
    assert labels_of(out) == load("model").predict(lines).tolist()


def test_no_lines_have_no_answers(run, folder):
    (folder / "empty.txt").write_text("")
    assert run("predict model empty.txt --lines") == (0, "label\n", "")


def test_labels_are_written_in_utf_8_whatever_the_terminal_is(folder, monkeypatch):
    monkeypatch.chdir(folder)
    write_csv(folder / "wide.csv", [["gut, é", GOOD], ["schlecht", BAD]] * 9)
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    how = "--model kimcnn --set max_epochs=1 --out wide --set verbose=0"
    assert main(f"train wide.csv {how}".split()) == 0
    assert b"gut, \\xe9 9, schlecht 9" in shown.buffer.getvalue()
    shown.buffer.truncate(0)
    shown.buffer.seek(0)
    assert main(["predict", "wide", "wide.csv", "--probabilities"]) == 0
    head, *_ = csv.reader(io.StringIO(shown.buffer.getvalue().decode("utf-8")))
    assert head == ["label", "gut, é", "schlecht"]


class Trickle(io.BufferedIOBase):
    """An input that comes line by line, and notes what was answered before each."""

    def __init__(self, lines, answered):
        self.lines, self.answered, self.seen = list(lines), answered, []

    def readable(self):
        return True

    def read1(self, size=-1):
        self.seen.append(self.answered())
        return self.lines.pop(0).encode() if self.lines else b""


@pytest.mark.parametrize("options", ["--lines", "--text-column 0"])
def test_answers_come_before_all_is_read(folder, monkeypatch, options):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(_commands, "_MAX_TEXTS", 5)
    shown = io.TextIOWrapper(io.BytesIO())
    texts = [f"{GOOD.replace(',', '')}\n", f"{BAD.replace(',', '')}\n"] * 10
    stdin = Trickle(texts, lambda: shown.buffer.getvalue().count(b"\n"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
    monkeypatch.setattr(sys, "stdout", shown)
    assert main(f"predict model - {options}".split()) == 0
    assert labels_of(shown.buffer.getvalue().decode()) == ["pos", "neg"] * 10
    assert stdin.seen[-1] >= 1 + 15  # the last five wait for the end
    behind = [read - answered for read, answered in enumerate(stdin.seen)]
    assert max(behind) <= 6
    assert not sys.stdin.buffer.closed


def test_long_texts_are_held_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(_commands, "_MAX_CHARACTERS", 100)
    portions = list(_commands._batches(text for text in ["a" * 60] * 5 + ["b"]))
    assert list(map(len, portions)) == [2, 2, 2]


def test_labelled_texts_come_from_the_standard_input_too(run, folder, monkeypatch):
    data = (folder / "films.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, _ = run("evaluate model -")
    assert code == 0
    assert out.startswith("-: 40 texts of 2 classes")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n\xff,c\n")))
    code, _, err = run("evaluate model -")
    assert (code, err) == (
        2,
        "sktextconv: -, after line 0: expected UTF-8, got the byte 0xff; save the "
        "file as UTF-8.\n",
    )


def test_an_output_file_is_whole_or_not_there(run, folder):
    out = folder / "answers.csv"
    assert run("predict model films.csv --out answers.csv") == (0, "", "")
    assert labels_of(out.read_text()) == ["pos", "neg"] * 20
    (folder / "late.csv").write_text("x,y\n" * 3000 + "x\n")
    code, _, err = run("predict model late.csv --out answers.csv")
    assert code == 2
    assert "late.csv, line 3001: expected 2 columns" in err
    assert labels_of(out.read_text()) == ["pos", "neg"] * 20
    assert not list(folder.glob("*.part"))


# -- explaining ------------------------------------------------------------------


def test_words_are_marked_in_brackets_where_there_is_no_terminal(run):
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
def test_words_are_shaded_on_a_terminal_that_wants_it(folder, monkeypatch, variable):
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


def test_a_page_shows_the_text_and_runs_none_of_it(run, folder):
    text = "so <script>good</script>"
    assert run("explain model --html page.html --text", text) == (0, "", "")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.startswith('<!doctype html>\n<meta charset="utf-8">')
    assert "<script" not in page
    assert "good</span>" in page


# -- serving and exporting -------------------------------------------------------


def test_serve_passes_on_what_is_given_alone():
    args = cli._make_parser().parse_args(
        ["serve", "m", "--port", "80", "--allowed-host", "a"]
    )
    assert vars(args) == {
        "command": "serve",
        "model": Path("m"),
        "port": 80,
        "allowed_hosts": ["a"],
    }


def test_export_takes_a_model_and_a_place():
    args = cli._make_parser().parse_args(["export", "m", "--out", "m.onnx"])
    assert (args.model, args.out) == (Path("m"), Path("m.onnx"))
