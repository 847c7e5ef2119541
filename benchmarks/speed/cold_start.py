"""CPU time and peak memory of the first prediction of a process, imports included.

Each command runs in a process of its own, in turn with ``import torch``, several times.
The system reports user and system time of the process and its peak resident memory.
The byte code of all modules is compiled before, as it is after an installation.
"""

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from sktextconv import KimCNNClassifier, export_onnx, make_tfidf_classifier, save
from sktextconv.cli._commands import COMMANDS

from .comparison import Line

__all__ = ["LINES", "usage"]

_ROOT = Path(__file__).parents[2]
_ROUNDS = 5
_TEXT = "a fine film"

# A process starts with the peak memory of its parent, so a small one starts it.
_LAUNCHER = """
import json, os, sys
discard = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
command = sys.argv[1:]
process = os.posix_spawn(command[0], command, os.environ, file_actions=discard)
_, status, used = os.wait4(process, 0)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def usage(*arguments):
    """Return CPU seconds and peak MiB of a Python process with these arguments."""
    command = [sys.executable, "-S", "-c", _LAUNCHER, sys.executable, *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    out = subprocess.check_output(command, cwd=_ROOT, env=environment)
    status, seconds, mib = json.loads(out)
    if status:
        raise RuntimeError(f"Expected status 0 of {arguments}, got {status}.")
    return seconds, mib


@functools.cache
def _measure():
    """Return the CPU seconds and the MiB of each command in each round."""
    with tempfile.TemporaryDirectory() as folder:
        commands = _make_commands(Path(folder))
        for arguments in commands.values():  # warms caches up
            usage(*arguments)
        found = {name: [] for name in commands}
        for _ in range(_ROUNDS):
            for name, arguments in commands.items():
                found[name].append(usage(*arguments))
    return {name: tuple(zip(*rounds, strict=True)) for name, rounds in found.items()}


def _make_commands(folder):
    texts = [_TEXT, "so good", "what a bore", "too long"] * 8
    labels = ["pos", "pos", "neg", "neg"] * 8
    classifier = KimCNNClassifier(max_epochs=1, random_state=0).fit(texts, labels)
    network, onnx = str(folder / "m.safetensors"), str(folder / "m.onnx")
    linear = str(folder / "linear.safetensors")
    save(classifier, network)
    save(make_tfidf_classifier().fit(texts, labels), linear)
    export_onnx(classifier, onnx)
    line, rows = folder / "line.txt", folder / "rows.csv"
    line.write_text(f"{_TEXT}\n")
    rows.write_text(f"pos,{_TEXT}\nneg,what a bore\n")
    columns = ["--label-column", "0", "--text-column", "1"]
    program = ["-m", "sktextconv"]
    helps = [[], *([name] for name in (*COMMANDS, "serve"))]
    return {
        "import torch": ["-c", "import torch"],
        "import torch, sklearn.base": ["-c", "import torch, sklearn.base"],
        "predict network": [*program, "predict", network, str(line), "--lines"],
        "evaluate network": [*program, "evaluate", network, str(rows), *columns],
        "explain network": [*program, "explain", network, "--text", _TEXT],
        "predict linear": [*program, "predict", linear, str(line), "--lines"],
        "predict onnx": [*program, "predict", onnx, str(line), "--lines"],
        "evaluate onnx": [*program, "evaluate", onnx, str(rows), *columns],
        "explain onnx": [*program, "explain", onnx, "--text", _TEXT],
        **{" ".join(["help", *name]): [*program, *name, "--help"] for name in helps},
    }


def _compare_time(name, label, *, target=None, limit=None):
    """Return a line: CPU seconds of a command beside those of ``import torch``."""
    measured = _measure()
    ours, theirs = measured[name][0], measured["import torch"][0]
    return Line(
        label,
        statistics.median(ours),
        statistics.median(theirs),
        "s",
        statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
        target,
        "import torch",
        limit=limit,
    )


def compare_network(data):
    """Compare the prediction of one line by a network with ``import torch``."""
    line = _compare_time("predict network", "first prediction, network", target=1 / 1.3)
    # All medians, for the reader of the JSON file.
    line.notes |= {
        name: {"CPU s": statistics.median(cpu), "MiB": statistics.median(mib)}
        for name, (cpu, mib) in _measure().items()
    }
    return line


def measure_memory(data):
    """Measure the peak memory of a prediction by a network above that of torch."""
    measured = _measure()
    ours, theirs = measured["predict network"][1], measured["import torch"][1]
    return Line(
        "first prediction, network: memory above that of import torch",
        statistics.median(a - b for a, b in zip(ours, theirs, strict=True)),
        None,
        "MiB",
        None,
        None,
        "",
        limit=60,
    )


def measure_linear(data):
    """Measure the prediction of one line by a linear model."""
    return _compare_time("predict linear", "first prediction, linear model", limit=1)


def measure_onnx(data):
    """Measure the slowest of the commands that read an ONNX file."""
    names = ("predict onnx", "evaluate onnx", "explain onnx")
    return _compare_time(_slowest(names), "first prediction, ONNX file", limit=1)


def measure_help(data):
    """Measure the slowest help of all commands."""
    names = [name for name in _measure() if name.startswith("help")]
    return _compare_time(_slowest(names), "help of a command", limit=0.3)


def _slowest(names):
    return max(names, key=lambda name: statistics.median(_measure()[name][0]))


LINES = {
    "start-network": compare_network,
    "start-memory": measure_memory,
    "start-linear": measure_linear,
    "start-onnx": measure_onnx,
    "start-help": measure_help,
}
