"""The program, its help, its error messages and its exit codes."""

import contextlib
import gzip
import inspect
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sktextconv
from sktextconv import networks
from sktextconv.cli import _commands, main
from sktextconv.cli._models import LINEAR_MODELS, MODELS, ONLINE_MODELS
from sktextconv.cli._parser import make_parser
from sktextconv.serving import serve

from .films import BAD, GOOD, SETTINGS, TINY, TRAIN, write_csv


def test_installed_program(tmp_path):
    """The installed program trains, evaluates, predicts and explains."""
    program = shutil.which("sktextconv", path=Path(sys.executable).parent)
    assert program, "no program next to this Python: install the package again"
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
    assert lines[8] == "label new texts with: sktextconv predict m.safetensors NEW.csv"
    assert len(lines) == 9
    evaluated = run("evaluate", "m.safetensors", "films.csv")
    assert (evaluated.returncode, evaluated.stderr) == (0, "")
    assert "\nerror 0.00 % (95 % interval 0.00 to 8.76), 0 of 40" in evaluated.stdout
    # The output exceeds the pipe buffer: the program is writing when the pipe closes.
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


def test_help_imports_no_library():
    """Help of each command imports no large library and fits 80 columns."""
    script = (
        "import sys; from sktextconv.cli import main\n"
        f"for command in {['', 'serve', *_commands.COMMANDS]}:\n"
        "    try: main([*command.split(), '--help'])\n"
        "    except SystemExit as done: assert done.code == 0\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'skorch', 'tqdm'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.count("usage: sktextconv") == 2 + len(_commands.COMMANDS)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out == f"sktextconv {sktextconv.__version__}\n"


def test_models_are_networks_that_can_be_saved():
    classifiers = {name for name in vars(networks) if name.endswith("Classifier")}
    others = {*LINEAR_MODELS, *ONLINE_MODELS}
    found = {key: MODELS[key] for key in MODELS.keys() - others}
    assert all(settings == {} for _, settings in found.values())
    assert {name for name, _ in found.values()} == classifiers
    assert all(f"{key}classifier" == name.lower() for key, (name, _) in found.items())


# -- errors --------------------------------------------------------------------------

INVALID_CALLS = {
    "": "arguments are required: COMMAND; see sktextconv --help.",
    "trian x": "invalid choice: 'trian'",
    "train films.csv": "required: --out; see sktextconv train --help.",
    "train films.csv --out o --fast": "unrecognized arguments: --fast; see "
    "sktextconv train --help.",
    "train films.csv --out o --text-columns 1": "unrecognized arguments: "
    "--text-columns 1 (did you mean --text-column?); see sktextconv train --help.",
    "train films.csv --out o --max-epoch 1": "(did you mean --epochs?)",
    "train films.csv --out o --lr 1": "(did you mean --set learning_rate=VALUE?)",
    "train films.csv --out o --batch-size=9": "(did you mean --set batch_size=VALUE?)",
    "predict m films.csv --lr 1": "unrecognized arguments: --lr 1; see sktextconv p",
    "predict m films.csv --output o.csv": "(did you mean --out?)",
    # the network
    "train films.csv --out o --model kimnn": "invalid choice: 'kimnn' (choose from",
    f"train films.csv {TRAIN} --set max_epoch=3": "kimcnn has no parameter "
    "'max_epoch'; did you mean 'max_epochs'?",
    f"train films.csv {TRAIN} --set size=small": "no parameter 'size'; valid names: a",
    f"train films.csv {TRAIN} --set dropout=2": "'dropout' parameter of KimCNN"
    "Classifier must be a float in the range [0.0, 1.0). Got 2 instead.",
    f"train films.csv {TRAIN} --set dropout": "expected NAME=VALUE, got 'dropout'",
    f"train films.csv {TRAIN} --set device=gpu": "'device' parameter must be "
    "'cpu', 'cuda', 'mps' or 'auto' for the best available one; 'cuda:1' is the second "
    "GPU. Got 'gpu' instead.",
    f"train films.csv {TRAIN} --set recipe=none": "must be a str among {'modern', 'pa",
    f"train films.csv {TRAIN} --set vectors=no.vec": "no.vec",
    f"train films.csv {TRAIN} --seed one": "argument --seed: invalid int value",
    f"train films.csv {TRAIN} --epochs 2": "expected --epochs or --set max_epochs=..., "
    "got both.",
    f"train films.csv {TRAIN} --device cpu --set device=cpu": "expected --device or "
    "--set device=..., got both.",
    "train films.csv --out o --model charcnn --epochs 0": "'max_epochs' parameter of "
    "CharCNNClassifier",
    "train films.csv --out o --epochs two": "argument --epochs: invalid int value",
    "train films.csv --out o --model rnn --device gpu": "must be 'cpu', 'cuda', 'mps' "
    "or 'auto'",
    "train films.csv --out o --model han --set lr=1": "has no parameter 'lr'; did you "
    "mean 'learning_rate'?",
    "train texts.csv --out o --valid 0 --no-header": "Texts and labels seem to "
    "be swapped: set --label-column and --text-column.",
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
    f"train rare.csv {TRAIN}": "expected 2 texts or more of each class, got 1 of "
    "'new'; set the label column with --label-column, or pass --valid 0.",
    f"train names.csv {TRAIN}": "names.csv, line 1: expected names of columns or a "
    "labeled text, and cannot tell which, because 'text' is a common name of a column; "
    "pass --header if this line names the columns, or --no-header if it is data, or "
    "--label-column if another column has the labels.",
    f"train digits.csv {TRAIN}": "pass --header if this line names the columns",
    f"train films.csv {TRAIN} --class-names a,b": "a class number from 1 to 2 in",
    # validation texts
    f"train films.csv {TRAIN} --valid 1.5": "a fraction in [0, 1) or a file",
    f"train films.csv {TRAIN} --valid 0.01": "of each of 2 classes, got 1 in total; "
    "pass a larger fraction or --valid 0.",
    f"train films.csv {TRAIN} --valid nothing": "nothing: No such file or directory.",
    f"train films.csv {TRAIN} --valid digits.csv --no-header": "digits.csv: "
    "expected labels of the training data, 'neg', 'pos', got '1', '2', 'kind'.",
    # the output
    "train films.csv --out no/where": "no/where: expected a file in a writable folder.",
    "train films.csv --out m.onnx": "--out m.onnx: train writes a file of the format "
    "safetensors; pass --out m.safetensors, then run: sktextconv export m.safetensors "
    "--out m.onnx.",
    "train films.csv --out a.b/m.PKL": "--out a.b/m.PKL: train writes a file of the "
    "format safetensors; pass --out a.b/m.safetensors.",
    "train films.csv --out m.joblib": "pass --out m.safetensors.",
    "train films.csv --out m.pt": "pass --out m.safetensors.",
    "export model --out m.safetensors": "--out m.safetensors: export writes a file of "
    "the format ONNX; pass --out m.onnx.",
    "export model --out m.pkl": "pass --out m.onnx.",
    "train films.csv --out .": ".: expected a file in a writable folder.",
    "predict model films.csv --out no/where": "no/where: expected a file in a writab",
    "explain model --text x --html no/where": "no/where: expected a file in a writab",
    # the model
    "evaluate nothing films.csv": "nothing: No such file or directory",
    "evaluate films.csv films.csv": "Expected films.csv to be a model that sktextconv",
    "predict damaged films.csv": "Expected damaged to be a model that sktextconv.save",
    "explain . --text x": "Expected . to be a model",
    "predict model films.csv --device gpu": "'cuda', 'mps' or 'auto' for the",
    # other options
    "evaluate model digits.csv --header": "expected labels of the training data",
    "predict model nothing.csv": "nothing.csv: No such file or directory.",
    "predict model nothing.csv --lines": "nothing.csv: No such file or directory.",
    "predict model films.csv --lines --header": "--lines: expected no --header or",
    "predict model latin.csv --lines": "latin.csv, line 2: expected UTF-8",
    "predict model films.csv --text-column text": "one column named 'text', found 0",
    "predict model films.csv --format xml": "argument --format: invalid choice: 'xml'",
    "explain model": "arguments are required: --text",
    "explain model --text x --target maybe": "data, 'neg', 'pos', got 'maybe'.",
    "explain model --text x --method attention": "Expected method to be one of those",
    "serve model --port http": "argument --port: invalid int value: 'http'",
    "serve model --port 80000": "Expected port to be an int from 0 to 65535, got "
    "80000.",
    "serve model --port -1": "Expected port to be an int from 0 to 65535, got -1.",
    "export model": "required: --out",
}


@pytest.fixture(scope="module")
def invalid_files(folder):
    """Write invalid input files to the folder."""
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("a,b\nc,d,e\n")
    rows = [[f"{GOOD}, {n} stars", "pos"] for n in range(9)]
    write_csv(folder / "texts.csv", [*rows, [BAD, "neg"]])
    (folder / "quote.csv").write_text('a,b\nc,"d" e\n')
    (folder / "latin.csv").write_bytes("a,b\nc,caf\xe9\n".encode("latin-1"))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 9)[:-9])
    write_csv(folder / "one.csv", [["pos", GOOD]] * 9)
    films = [["pos", GOOD], ["neg", BAD]] * 4
    write_csv(folder / "names.csv", [["kind", "text"], *films])
    write_csv(folder / "rare.csv", [*films, ["new", GOOD]])
    write_csv(folder / "digits.csv", [["kind", "text"], ["1", GOOD], ["2", BAD]])
    model = bytearray((folder / "model").read_bytes())
    model[-1] ^= 1
    (folder / "damaged").write_bytes(model)


@pytest.mark.parametrize("command", INVALID_CALLS)
def test_invalid_call_prints_one_line(run, invalid_files, folder, command):
    """An invalid call exits with code 2, prints one line and changes no file."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    code, _, err = run(command)
    assert code == 2
    assert err.startswith("sktextconv: ")
    assert INVALID_CALLS[command] in err
    assert len(err.splitlines()) == 1
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after == before


def test_diverging_training_exits_with_1(run, folder):
    options = "--set learning_rate=1e30 --set max_epochs=3"
    code, _, err = run(f"train films.csv {TRAIN} {options}")
    assert code == 1
    assert "loss became" in err
    assert len(err.splitlines()) == 1
    assert not (folder / "other").exists()


def test_full_disk_exits_with_1(run, monkeypatch):
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code, _, err = run("evaluate model films.csv")
    assert (code, err) == (1, "sktextconv: [Errno 28] No space left on device\n")


@pytest.mark.filterwarnings("default")
def test_warning_prints_one_line(run):
    options = "--set learning_rate=1e-12 --set batch_size=1 --set max_epochs=14 --set "
    settings = [part for name in TINY.split()[2:4] for part in ("--set", name)]
    code, _, err = run(f"train films.csv {TRAIN} {options}verbose=0", *settings)
    assert code == 0
    assert err.startswith("sktextconv: warning: After 504 minibatches the training")
    assert len(err.splitlines()) == 1


def test_ctrl_c_saves_nothing(folder):
    """Ctrl-C exits with code 130, prints no error and saves no model."""
    script = (
        "import signal, sys; from sktextconv.cli import main\n"
        # A shell starts background processes with SIGINT ignored.
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


# -- arguments -----------------------------------------------------------------------


def test_serve_omits_options_not_given():
    args = make_parser().parse_args(
        ["serve", "m", "n.onnx", "--port", "80", "--allowed-host", "a"]
    )
    assert vars(args) == {
        "command": "serve",
        "model": [Path("m"), Path("n.onnx")],
        "port": 80,
        "allowed_hosts": ["a"],
    }


def test_serve_help_states_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    parameters = inspect.signature(serve).parameters
    for name in ("host", "port", "max_characters"):
        assert f"(default: {parameters[name].default})" in printed


def test_export_arguments():
    args = make_parser().parse_args(["export", "m", "--out", "m.onnx"])
    assert (args.model, args.out) == (Path("m"), Path("m.onnx"))
