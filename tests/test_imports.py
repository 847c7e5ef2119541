"""Lazy imports, optional dependencies, and modules of public names."""

import ast
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.base import clone

import sktextconv

from .classifiers import NETWORKS
from .conftest import REPOSITORY
from .golden import FOLDER, ONNX_FOLDER

PACKAGE = REPOSITORY / "sktextconv"
MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_module_has_docstring(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree).splitlines()[0].endswith(".")


def test_import_loads_no_other_package():
    """All public names together load torch, scikit-learn, skorch, and nothing else."""
    script = (
        "import sys, torch, sklearn.model_selection, skorch\n"
        "packages = lambda: {name.partition('.')[0] for name in sys.modules}\n"
        "before = packages(); from sktextconv import *; print(*packages() - before)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    # scikit-learn's extension modules register names such as `_loss`.
    loaded = {name for name in result.stdout.split() if not name.startswith("_")}
    assert loaded - sys.stdlib_module_names == {"sktextconv"}


def test_import_without_matplotlib():
    """The import works; a plot raises an error that names the extra to install."""
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


def test_public_names_are_imported_lazily():
    """A public name loads its own dependencies at first use, and `dir` loads none."""
    script = (
        "import sys, sktextconv; dir(sktextconv); hasattr(sktextconv, 'no.thing')\n"
        "print(*sys.modules.keys() & {'numpy', 'sklearn', 'torch'})\n"
        "from sktextconv import OnnxClassifier, ModelFormatError\n"
        "print(*sys.modules.keys() & {'sklearn', 'scipy', 'torch'})\n"
        "sktextconv.schedules.constant; import sktextconv.inspection._explain\n"
        "print(callable(sktextconv.explain), hasattr(sktextconv, 'none'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == ["", "", "True False"]


def stub_imports(folder):
    """Return the module that each name of a stub is imported from."""
    tree = ast.parse((folder / "__init__.pyi").read_text())
    return {
        alias.asname: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize(
    "package",
    [
        sktextconv,
        sktextconv.datasets,
        sktextconv.encoding,
        sktextconv.inspection,
        sktextconv.persistence,
    ],
)
def test_stub_lists_every_public_name(package):
    """Stubs exist since type checkers cannot follow lazy imports."""
    found = stub_imports(Path(package.__file__).parent)
    homes = package._HOMES.items()
    assert found == {name: (home, name) for home, names in homes for name in names}
    assert {*found} | {"__version__"} >= {*package.__all__} >= {*found}


@pytest.mark.parametrize("home", sktextconv._HOMES)
def test_public_names_are_static(home):
    """Each package binds its public names in a stub, or by imports and definitions."""
    folder = PACKAGE / home
    names = {*sktextconv._HOMES[home]}
    if (folder / "__init__.pyi").exists():
        assert names <= stub_imports(folder).keys()
        return
    module = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    bound = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
    assert names <= bound


def test_all_is_sorted_and_complete():
    """Every name in `__all__` can be imported and is listed by `dir`."""
    for name in sktextconv.__all__:
        assert getattr(sktextconv, name) is not None
    assert sorted(sktextconv.__all__) == sktextconv.__all__
    assert {*sktextconv.__all__} <= {*dir(sktextconv)}


def test_onnx_classifier_loads_no_network_modules():
    """Importing `OnnxClassifier` loads no module that only downloads need."""
    script = (
        "import sys, numpy, onnxruntime; before = set(sys.modules)\n"
        "import sktextconv; from sktextconv import OnnxClassifier\n"
        "print(*{'http.client', 'ssl', 'tarfile'} & (sys.modules.keys() - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout == "\n"


# Modules that take a second to import and that prediction does not need.
SLOW = {"sympy", "torch._dynamo", "torch._inductor", "torch.onnx"}


def test_loading_models_avoids_slow_imports(tmp_path):
    """Loading and predicting create no optimizer and draw no weights."""
    paths = []
    for packed in FOLDER.glob("*.xz"):
        paths.append(tmp_path / packed.stem)
        paths[-1].write_bytes(lzma.decompress(packed.read_bytes()))
    for name, network in NETWORKS.items():  # the others have two classes
        paths.append(tmp_path / f"three_classes_{name}")
        texts, labels = ["so good", "so bad", "so so"] * 4, ["p", "n", "o"] * 4
        sktextconv.save(clone(network).fit(texts, labels), paths[-1])
    script = (
        "import sys, sktextconv\n"
        "for path in sys.argv[1:]: sktextconv.load(path).predict(['a film'])\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", script, *map(str, paths)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert len(paths) > len(sktextconv._HOMES["networks"])
    assert not {*result.stdout.split()} & SLOW


# Modules of other tasks: linear models, training, explanations, downloads, serving.
OTHER_TASKS = {
    "fastapi",
    "gensim",
    "http.client",
    "matplotlib",
    "onnx",
    "sklearn.cluster",
    "sklearn.linear_model",
    "sktextconv.baselines",
    "sktextconv.feature_extraction",
    "sktextconv.inspection._explain",
    "ssl",
    "tarfile",
}


def modules_after(*arguments, before="pass"):
    """Return the modules that a call of the command line loads in a new process.

    `before` is run first; what it loads does not count.
    """
    script = (
        f"import sys; {before}; before = set(sys.modules)\n"
        "from sktextconv.cli import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "print(*(sys.modules.keys() - before), file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(result.stderr.split())


@pytest.fixture
def unpacked(tmp_path):
    """Function that unpacks a golden file and writes a file of one line beside it."""
    (tmp_path / "line.txt").write_text("a fine film\n")

    def unpack(packed):
        path = tmp_path / packed.stem
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        return path, tmp_path / "line.txt"

    return unpack


def test_network_predicts_without_other_tasks(unpacked):
    model, line = unpacked(FOLDER / "kimcnn.safetensors.xz")
    before = "import torch, skorch"
    loaded = modules_after("predict", model, line, "--lines", before=before)
    assert "sktextconv.base" in loaded
    assert not loaded & (SLOW | OTHER_TASKS)


@pytest.mark.parametrize("command", ["predict", "evaluate", "explain"])
def test_onnx_commands_need_only_numpy(unpacked, command):
    """The commands read an ONNX file without torch, scikit-learn and SciPy."""
    model, line = unpacked(ONNX_FOLDER / "rnn.onnx.xz")
    line.with_name("rows.csv").write_text("2.0,a fine film\n0.0,what a bore\n" * 2)
    data = {
        "predict": [line, "--lines"],
        "evaluate": [line.with_name("rows.csv")],
        "explain": ["--text", "a fine film"],
    }
    loaded = modules_after(command, model, *data[command])
    assert {"numpy", "onnxruntime"} <= loaded
    heavy = {"nltk", "scipy", "sklearn", "skorch", "torch"}
    assert not (loaded - {"sktextconv.inspection._explain"}) & (
        heavy | SLOW | OTHER_TASKS
    )
