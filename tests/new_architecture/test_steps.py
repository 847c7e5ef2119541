"""The steps of CONTRIBUTING.md for a new architecture, taken in a copy of the project.

Two new files and four lines are enough for a deep averaging network to be fitted,
saved, loaded, explained, exported, checked and used from the command line.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sktextconv

ROOT = Path(__file__).parents[2]

FACTS = '''"""Facts of Iyyer et al. (2015)."""

import torch

from sktextconv.networks import DAN


def test_dan_ignores_word_order():
    network = DAN(10, 2).eval()
    torch.testing.assert_close(
        network(torch.tensor([[4, 9, 2, 0]])), network(torch.tensor([[2, 4, 9]]))
    )
'''

# Each step: a file of the project, and the text to add to it after a given line.
NEW_FILES = {
    "sktextconv/networks/dan.py": (ROOT / "tests/new_architecture/dan.py").read_text(),
    "tests/networks/test_dan.py": FACTS,
}
NEW_LINES = {
    "sktextconv/networks/__init__.py": (
        "from .charcnn import",
        "from .dan import DAN as DAN, DANClassifier as DANClassifier",
    ),
    "sktextconv/__init__.py": ('"CharCNNClassifier",', '        "DANClassifier",'),
    "sktextconv/__init__.pyi": (
        "from .networks import (",
        "    DANClassifier as DANClassifier,",
    ),
    "tests/classifiers.py": (
        '"charcnn":',
        '    "dan": sktextconv.DANClassifier(embedding_dim=16, **_TINY),',
    ),
}

# Tests that run for every network find the new one.
CONTRACT = [
    "tests/contract",
    "tests/networks/test_dan.py",
    "tests/persistence",
    "tests/inspection/test_document_vectors.py",
    "tests/inspection/test_explain.py",
    "tests/test_docstrings.py",
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy of the project with a deep averaging network."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("sktextconv", "tests"):
        shutil.copytree(
            ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    for file in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / file, copy)
    for path, text in NEW_FILES.items():
        (copy / path).write_text(text)
    for path, (after, line) in NEW_LINES.items():
        lines = (copy / path).read_text().splitlines()
        place = next(i for i, present in enumerate(lines) if after in present)
        lines.insert(place + 1, line)
        (copy / path).write_text("\n".join(lines) + "\n")
    run(copy, "-m", "tests.golden")
    return copy


def run(copy, *command):
    """Run Python in the copy and return its output."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_steps_are_those_of_contributing():
    """CONTRIBUTING.md names the files that this test writes and changes, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split("## A new architecture")[1].split("\n## ")[0]
    steps = re.split(r"\n\d\. ", section)[1:]
    files = [re.findall(r"`((?:sktextconv|tests)/[^`]*)`", step)[0] for step in steps]
    assert [file.replace("NAME", "dan") for file in files] == [*NEW_FILES, *NEW_LINES]
    assert "`python -m tests.golden`" in section


def test_contract_holds_for_new_network(copy):
    """The tests that run for each network collect the new one, and pass."""
    command = ("pytest", "-q", "-p", "no:cacheprovider", "-k", "dan", *CONTRACT)
    assert len(run(copy, "-m", *command).split("passed")) == 2


def test_command_line_knows_new_network(copy, tmp_path):
    """Train, evaluate, explain, predict and export by name."""
    rows = ["pos,a fine film", "pos,so good", "neg,a bore", "neg,too long"]
    (tmp_path / "data.csv").write_text("\n".join(rows * 8) + "\n")
    (tmp_path / "texts.txt").write_text("so good\ntoo long\n")
    commands = [
        "train data.csv --model dan --valid 0 --out m --set max_epochs=6 "
        "--set batch_size=8",
        "evaluate m data.csv",
        "explain m --text good --method gradient",
        "predict m texts.txt --lines --out labels.csv",
        "export m --out m.onnx",
    ]
    script = (
        "import os, sys; from sktextconv.cli import main; os.chdir(sys.argv[1])\n"
        f"for command in {commands}: assert main(command.split()) == 0"
    )
    output = run(copy, "-c", script, tmp_path)
    assert "0.00" in output
    labels = (tmp_path / "labels.csv").read_text()
    assert re.findall("pos|neg", labels) == ["pos", "neg"]
    exported = sktextconv.OnnxClassifier(tmp_path / "m.onnx")
    assert exported.predict(["so good", "too long"]).tolist() == ["pos", "neg"]
