"""The commands of the tutorial "From a CSV file to a served model", run in order.

They run as the page prints them; only the port of the servers is changed.
"""

import contextlib
import csv
import importlib.metadata
import inspect
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from sktextconv import load
from sktextconv.persistence import OnnxClassifier
from sktextconv.serving import serve

from ..conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "tutorials" / "csv_to_server.rst"
TEXT = PAGE.read_text(encoding="utf-8")
ADDRESS = f"http://127.0.0.1:{inspect.signature(serve).parameters['port'].default}"


def blocks(language):
    """Return the code blocks of a language, without their indent."""
    found = re.findall(
        rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", TEXT, re.M
    )
    return [textwrap.dedent(block).strip("\n") + "\n" for block in found]


COMMANDS = [
    line
    for block in blocks("sh")
    for line in block.replace("\\\n", "").splitlines()
    if line.strip()
]
(HEAD, *EXAMPLES) = csv.reader("".join(blocks("text")).splitlines())


def words_of(command):
    return shlex.split(command)


def after(option, command):
    words = words_of(command)
    return words[words.index(option) + 1]


def command_of(start, nth=0):
    return [command for command in COMMANDS if command.startswith(start)][nth]


TRAIN, EVALUATE, PREDICT, EXPLAIN, EXPORT = (
    command_of(f"sktextconv {name} ")
    for name in ("train", "evaluate", "predict", "explain", "export")
)
COMPARE = command_of("sktextconv compare ")
EXPLAIN_PAGE = command_of("sktextconv explain ", 1)
ASK = command_of("curl ")
SERVE, SERVE_ONNX = (command_of("sktextconv serve ", nth) for nth in (0, 1))


@pytest.fixture(scope="module")
def texts():
    """Labeled texts with the classes of the page; single words decide the class."""
    parts = {
        "pos": (["fine", "good", "lovely"], ["well played", "moving", "funny"]),
        "neg": (["dull", "bad", "silly"], ["too long", "a bore", "badly cut"]),
    }
    things = ["film", "story", "cast", "plot"]
    made = [
        (label, f"A {first} {thing}, and {last}.")
        for label, (firsts, lasts) in parts.items()
        for first, thing, last in itertools.product(firsts, things, lasts)
    ]
    assert {label for label, _ in EXAMPLES} == set(parts)
    return [*map(tuple, EXAMPLES), *made]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, texts):
    """Folder with only the files that the page starts from."""
    folder = tmp_path_factory.mktemp("tutorial")
    rows = [dict(zip(HEAD, row, strict=True)) for row in texts]
    new = after("--keep", PREDICT)
    for command, columns, chosen in (
        (TRAIN, HEAD, rows),
        (EVALUATE, HEAD, rows[::3]),
        (PREDICT, [new], [{new: row[new]} for row in rows[::4]]),
    ):
        name = next(word for word in words_of(command) if word.endswith(".csv"))
        assert f"``{name}``" in TEXT
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(chosen)
    return folder


def environment():
    beside = str(Path(sys.executable).parent)
    assert shutil.which("sktextconv", path=beside), "install the package again"
    return os.environ | {"PATH": beside + os.pathsep + os.environ["PATH"]}


def type_in(folder, command):
    """Run a command in a shell; return its output."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def running(folder, command):
    """Yield the address of a server; check that Ctrl-C ends it without an error."""
    program = "sktextconv serve "
    assert command.startswith(program)
    process = subprocess.Popen(
        # exec replaces the shell, so that the signal reaches the server.
        f"exec {program}--port 0 {command.removeprefix(program)}",
        shell=True,
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        printed = ""
        for line in process.stderr:
            printed += line
            if found := re.search(r"running on (http://[\d.]+:\d+)", line):
                break
        else:
            raise AssertionError(f"{command}\n{printed}")
        yield found[1]
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=30)
        assert process.returncode == 0, printed
        assert "Traceback" not in printed
    finally:
        process.kill()
        process.communicate()


def ask(folder, address):
    """Send the request of the page; return the response."""
    assert ADDRESS in ASK
    command = ASK.replace(ADDRESS, address)
    if shutil.which("curl"):
        return json.loads(type_in(folder, command))
    url = next(word for word in words_of(command) if word.startswith(address))
    name, _, value = after("-H", command).partition(": ")
    request = urllib.request.Request(url, after("-d", command).encode(), {name: value})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def trained(folder):
    return type_in(folder, TRAIN)


@pytest.fixture(scope="module")
def model(folder, trained):
    return load(folder / after("--out", TRAIN))


def test_tutorial_commands_in_order():
    kinds = [" ".join(words_of(command)[:2]) for command in COMMANDS]
    assert kinds == [
        "sktextconv compare",
        "sktextconv train",
        "sktextconv evaluate",
        "sktextconv predict",
        "sktextconv explain",
        "sktextconv explain",
        "sktextconv serve",
        f"curl {ADDRESS}/v1/predict",
        "sktextconv export",
        "sktextconv serve",
    ]
    assert "--html" not in EXPLAIN
    assert words_of(SERVE)[2] == after("--out", TRAIN)
    assert words_of(SERVE_ONNX)[2] == after("--out", EXPORT)
    assert max(map(len, "".join(blocks("sh")).splitlines())) <= 80


def test_tutorial_installs_existing_extras():
    (extras,) = re.findall(r"pip install \"\.\[(.*?)\]\"", TEXT)
    offered = importlib.metadata.metadata("sktextconv").get_all("Provides-Extra")
    assert {*extras.split(",")} <= {*offered}


def test_train_saves_model_and_prints_error(trained, model, texts):
    lines = trained.splitlines()
    assert lines[0].endswith(f": {len(texts)} texts of 2 classes: neg 37, pos 37")
    assert sum(line.startswith("epoch ") for line in lines) == model.n_iter_
    assert re.match(r"held-out error \d+\.\d\d % \(95 % interval", lines[-3])
    name = after("--out", TRAIN)
    assert lines[-2].startswith(f"saved {name} (")
    assert lines[-1] == f"label new texts with: sktextconv predict {name} NEW.csv"
    assert max(map(len, lines)) <= 80
    assert model.classes_.tolist() == ["neg", "pos"]


def test_compare_writes_report_and_winner(folder, texts):
    printed = type_in(folder, COMPARE)
    assert "The winner is " in printed
    report = folder / after("--out", COMPARE)
    assert (report / "report.html").exists()
    winner = load(report / "model.safetensors")
    truth, asked = zip(*texts, strict=True)
    assert np.mean(winner.predict(asked) == np.array(truth)) > 0.9


def test_evaluate_prints_error_of_each_class(folder, model, texts):
    printed = type_in(folder, EVALUATE)
    n_wrong, n_texts = map(int, re.search(r"(\d+) of (\d+) texts\n", printed).groups())
    assert n_texts == len(texts[::3])
    truth, asked = zip(*texts[::3], strict=True)
    assert n_wrong == np.sum(model.predict(asked) != np.array(truth))
    assert n_wrong < n_texts / 4  # by chance half of them
    _, table, matrix = printed.split("\n\n")
    assert [row.split()[0] for row in table.splitlines()] == ["class", "neg", "pos"]
    assert matrix.splitlines()[1].split() == ["neg", "pos"]
    assert max(map(len, printed.splitlines())) <= 80


def test_predict_writes_label_of_each_text(folder, model, texts):
    assert type_in(folder, PREDICT) == ""
    name = after(">", PREDICT)
    with (folder / name).open(newline="", encoding="utf-8") as file:
        found = [row["label"] for row in csv.DictReader(file)]
    assert found == model.predict([text for _, text in texts[::4]]).tolist()


def test_explain_on_terminal_and_as_html(folder, model):
    text, page = after("--text", EXPLAIN), folder / after("--html", EXPLAIN_PAGE)
    (label,) = model.predict([text])
    printed = type_in(folder, EXPLAIN)
    assert printed.startswith(f"{label}, by occlusion: ")
    shown = re.sub(r"\[(.*?) [+-]\d\.\d\d\]", r"\1", printed.splitlines()[-1])
    assert (shown, printed.splitlines()[-1] == shown) == (text, False)
    assert type_in(folder, EXPLAIN_PAGE) == ""
    html = page.read_text(encoding="utf-8")
    assert f">for {label}</span>" in html
    assert all(f">{word}</span>" in html for word in re.findall(r"\w+", text))


def test_serve_agrees_with_exported_onnx(folder, model):
    (text,) = json.loads(after("-d", ASK))["texts"]
    (label,), (probabilities,) = model.predict([text]), model.predict_proba([text])
    assert f" {ADDRESS}," in TEXT  # the address for a browser
    with running(folder, SERVE) as address:
        answer = ask(folder, address)
        with urllib.request.urlopen(address) as response:
            html = response.read().decode("utf-8")
    assert "<textarea" in html
    assert type_in(folder, EXPORT).startswith(f"saved {after('--out', EXPORT)} (")
    assert isinstance(OnnxClassifier(folder / after("--out", EXPORT)), OnnxClassifier)
    with running(folder, SERVE_ONNX) as address:
        same = ask(folder, address)
        port = address.rpartition(":")[2]
        taken = subprocess.run(
            f"{SERVE_ONNX} --port {port}",
            shell=True,
            cwd=folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
        )
    for found in (answer, same):
        assert found["classes"] == ["neg", "pos"]
        (prediction,) = found["predictions"]
        assert prediction["label"] == label
        np.testing.assert_allclose(
            prediction["probabilities"], probabilities, rtol=0, atol=1e-5
        )
    # The port is still in use: the first server was not stopped.
    assert taken.returncode == 2
    assert taken.stderr.splitlines()[-1].endswith("or 0 for a free one.")
