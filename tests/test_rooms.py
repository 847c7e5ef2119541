"""Imports only go down, and importing costs no more than what is imported."""

import ast
import subprocess
import sys

import pytest

import sktextconv

from .conftest import REPOSITORY

# Lowest first. A module may import from lower lines only.
ROOMS = [
    {"_params", "_optional", "_compressed", "_mistakes", "numbering"},
    {"_download"},
    {"_kept"},
    {"text", "_docstrings", "_wordnet", "words", "schedules"},
    {"checking.promise", "checking.process"},
    {"checking.subject", "checking.reused"},
    {"checking.texts", "checking.fitting", "checking.predicting"},
    {"checking.labels", "checking.weights", "checking.keeping"},
    {"checking"},
    {"labels", "encoding", "augmentation", "datasets", "ngrams"},
    {"devices"},
    {"documents", "vectors", "batches", "store", "discriminative"},
    {"training", "bagofmeans", "naivebayes"},
    {"checkpoints", "progress", "baselines"},
    {"base"},
    {"networks.embedding", "networks.recurrent", "networks.convnet"},
    {"networks.charcnn", "networks.vdcnn", "networks.kimcnn"},
    {"networks.wordcnn", "networks.rnn", "networks.han"},
    {"networks"},
    {"_header"},
    {"persistence", "_graph"},
    {"onnx"},
    {"attribution", "shading"},
    {"explaining"},
    {"display.char_filters", "display.learning_rate"},
    {"display.text_weights", "display.training_curve"},
    {"display", "reports"},
    {"serving.batching", "serving.guard", "serving.page"},
    {"serving.app"},
    {"serving"},
    {"sktextconv"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
LEVELS = {module: level for level, room in enumerate(ROOMS) for module in room}
PACKAGE = REPOSITORY / "sktextconv"
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "sktextconv"


def imports_of(path):
    """Modules of the package that a file imports, anywhere in it."""
    package = name_of(path).split(".") if path.name == "__init__.py" else None
    if package == ["sktextconv"]:
        package = []
    here = package if package is not None else name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            if node.module:
                yield ".".join([*base, node.module])
            else:
                yield from (".".join([*base, alias.name]) for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_go_down(path):
    for module in imports_of(path):
        assert LEVELS[module] < LEVELS[name_of(path)], f"{name_of(path)} ← {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_opens_with_the_reason_for_it(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree).splitlines()[0].endswith(".")


def test_no_room_is_named_for_nothing():
    names = {part for module in LEVELS for part in module.split(".")}
    assert not names & {"utils", "helpers", "common", "misc"}


def test_import_loads_no_package_besides_torch_sklearn_and_skorch():
    script = (
        "import sys, torch, sklearn.model_selection, skorch\n"
        "packages = lambda: {name.partition('.')[0] for name in sys.modules}\n"
        "before = packages(); from sktextconv import *; print(*packages() - before)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    # Parts of scikit-learn in C that are yet to be imported call themselves `_loss`.
    loaded = {name for name in result.stdout.split() if not name.startswith("_")}
    assert loaded - sys.stdlib_module_names == {"sktextconv"}


def test_import_works_without_extras():
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import sktextconv\n"
        "try: sktextconv.TrainingCurveDisplay({}).plot()\n"
        "except ImportError as error: print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout == (
        "TrainingCurveDisplay needs matplotlib, which is not installed. "
        "Run: pip install 'sktextconv[plot]'\n"
    )


def test_a_name_is_imported_once_it_is_used():
    script = (
        "import sys, sktextconv; dir(sktextconv); hasattr(sktextconv, 'no.thing')\n"
        "print(*sys.modules.keys() & {'numpy', 'sklearn', 'torch'})\n"
        "from sktextconv import OnnxClassifier, ModelFormatError\n"
        "print(*sys.modules.keys() & {'sklearn', 'scipy', 'torch'})\n"
        "sktextconv.schedules.constant; import sktextconv.explaining\n"
        "print(callable(sktextconv.explain), hasattr(sktextconv, 'none'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == ["", "", "True False"]


def test_type_checkers_are_told_of_every_name():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    told = {
        alias.asname: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: (home, name) for name, home in sktextconv._HOME_OF.items()}
    assert told == homes
    assert sorted([*homes, "__version__"]) == sktextconv.__all__


def test_everything_in_all_is_there():
    for name in sktextconv.__all__:
        assert getattr(sktextconv, name) is not None
    assert sorted(sktextconv.__all__) == sktextconv.__all__
    assert {*sktextconv.__all__} <= {*dir(sktextconv)}
