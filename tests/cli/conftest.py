"""Fixtures of the tests of the command line."""

import contextlib
import io
import shutil

import pytest

from sktextconv import load, save
from sktextconv.cli import main

from .films import BAD, GOOD, MODELS, SETTINGS, write_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with `films.csv`, 40 texts, and `model`, a network trained on them."""
    folder = tmp_path_factory.mktemp("cli")
    data = write_csv(folder / "films.csv", [["pos", GOOD], ["neg", BAD]] * 20)
    out = str(folder / "model")
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(["train", data, "--model", "kimcnn", *SETTINGS, "--out", out])
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def models(folder):
    """Write three models to the folder that differ in the columns they store."""
    model = load(folder / "model")
    columns = {"n_columns": 2, "names": None, "label": 0, "texts": [1]}
    stored = [columns | {"names": ["label", "text"]}, columns, None]
    for name, columns in zip(MODELS, stored, strict=True):
        vars(model).pop("columns_", None)
        if columns:
            model.columns_ = columns
        save(model, folder / name)
    return MODELS


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Function that runs a command in the folder: code, output, error output."""
    monkeypatch.chdir(folder)

    def run(command, *more):
        code = main([*command.split(), *more])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def mixed(folder):
    """Path of a file of ten texts, three of which the model misclassifies."""
    rows = [["pos", GOOD]] * 4 + [["neg", BAD]] * 3 + [["pos", BAD]] * 3
    return write_csv(folder / "mixed.csv", rows)


@pytest.fixture(scope="module")
def linear(folder, request):
    """Name of a linear model, the default one, trained on the same texts."""
    data, out = str(folder / "films.csv"), str(folder / "linear")
    options = ["--model", request.param] if hasattr(request, "param") else []
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["train", data, "--out", out, *options]) == 0
    return "linear"


@pytest.fixture
def out(folder):
    """Folder of outputs, which does not exist yet."""
    path = folder / "labels"
    shutil.rmtree(path, ignore_errors=True)
    return path
