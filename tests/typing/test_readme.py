"""Type check of the code in the README."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_has_no_type_error(tmp_path):
    """A type checker accepts the README's code, and rejects a call added to it."""
    examples = doctest.DocTestParser().get_examples((ROOT / "README.md").read_text())
    code = "".join(example.source for example in examples)
    assert "KimCNNClassifier" in code
    assert check_types(code, tmp_path) == []
    (message,) = check_types(code + "network.fit(5, y)\n", tmp_path)
    assert '"Literal[5]" cannot be assigned to parameter "X"' in message


def check_types(code, folder):
    """Return the type checker's error messages for `code`."""
    settings = {
        "typeCheckingMode": "standard",
        "reportUnusedExpression": False,  # an interpreter prints their values
        "extraPaths": [str(ROOT)],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    (folder / "readme.py").write_text(code)
    command = [sys.executable, "-m", "basedpyright", "--outputjson"]
    run = subprocess.run(
        [*command, "--pythonpath", sys.executable],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(run.stdout)["generalDiagnostics"]
    return [diagnostic["message"] for diagnostic in found]
