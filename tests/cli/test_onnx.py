"""Commands that read ONNX files."""

import json
import subprocess
import sys

import numpy as np
import pytest

import sktextconv
from sktextconv import OnnxClassifier, load

from .films import BAD, GOOD


@pytest.fixture(scope="module")
def onnx_file(folder):
    """Name of an ONNX file of the model in the folder, which stores its columns."""
    sktextconv.export_onnx(load(folder / "model"), folder / "model.onnx")
    return "model.onnx"


def test_onnx_stores_columns(folder, onnx_file):
    columns = {"n_columns": 2, "names": None, "label": 0, "texts": [1]}
    assert OnnxClassifier(folder / onnx_file).columns_ == columns
    assert load(folder / "model").columns_ == columns


def test_onnx_stores_examples(folder):
    model = load(folder / "model")
    model.examples_ = ["so good", "too long"]
    sktextconv.export_onnx(model, folder / "examples.onnx")
    assert OnnxClassifier(folder / "examples.onnx").examples_ == model.examples_


def test_predict_onnx_matches_network(run, onnx_file, mixed):
    """Columns are found as with the network that was exported."""
    outputs = []
    for model in ("model", onnx_file):
        code, out, err = run(
            f"predict {model} mixed.csv --probabilities --format jsonl"
        )
        assert (code, err) == (0, "")
        outputs.append([json.loads(line) for line in out.splitlines()])
    expected, found = outputs
    assert [row["label"] for row in found] == [row["label"] for row in expected]
    probabilities = [
        [list(row["probabilities"].values()) for row in rows] for rows in outputs
    ]
    np.testing.assert_allclose(*probabilities, rtol=0, atol=1e-5)


def test_evaluate_onnx_matches_network(run, onnx_file, mixed):
    assert run(f"evaluate {onnx_file} mixed.csv") == run("evaluate model mixed.csv")


def test_evaluate_onnx_imports_no_torch(folder, onnx_file, mixed):
    """`evaluate` of an ONNX file loads neither torch nor scikit-learn nor SciPy."""
    script = (
        "import sys; from sktextconv.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(*sys.modules.keys() & {'sklearn', 'scipy', 'torch'})"
    )
    command = [sys.executable, "-c", script, "evaluate", onnx_file, mixed]
    result = subprocess.run(
        [*command, "--errors", "wrong.csv"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.endswith("\n\n")


def test_explain_onnx_matches_network(run, onnx_file):
    text = f"{GOOD} but {BAD}"
    expected = run("explain model --target pos --text", text)
    assert run(f"explain {onnx_file} --target pos --text", text) == expected


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("predict model.onnx films.csv --device cuda", "device='cpu' for an ONNX file"),
        ("explain model.onnx --text so --method gradient", "['occlusion']"),
        ("export model.onnx --out other.onnx", "sktextconv.save"),
        ("predict lost.onnx films.csv", "lost.onnx: No such file"),
        ("predict damaged.onnx films.csv", "sktextconv.export_onnx wrote"),
    ],
)
def test_onnx_errors_in_one_line(run, folder, onnx_file, command, message):
    (folder / "damaged.onnx").write_bytes((folder / onnx_file).read_bytes()[:-9])
    code, out, err = run(command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
