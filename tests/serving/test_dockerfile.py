"""The Dockerfile, checked without a container engine."""

import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sklearn.base import clone

from sktextconv import export_onnx
from sktextconv.cli._parser import make_parser

from ..classifiers import NETWORKS
from ..conftest import REPOSITORY
from .clients import running

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def instructions():
    """Return the instructions of the Dockerfile as pairs (name, arguments)."""
    text = (REPOSITORY / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line]


STEPS = instructions()


def arguments_of(instruction):
    return [arguments for name, arguments in STEPS if name == instruction]


def test_instruction_order():
    names = [name for name, _ in STEPS]
    assert names[0] == "FROM"
    assert names.index("COPY") < names.index("RUN") < names.index("USER")
    assert names[-2:] == ["HEALTHCHECK", "CMD"]
    assert set(names) <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "CMD")
    }


def test_user_is_not_root():
    (user,) = arguments_of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_python_version_is_supported():
    (base,) = arguments_of("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim", base)[1]
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, lowest.split(".")))


def test_copied_files_exist_and_are_not_ignored():
    ignored, *excepted = (REPOSITORY / ".dockerignore").read_text().split()
    assert ignored == "*"
    for rest in arguments_of("COPY"):
        *sources, _ = rest.split()
        for source in sources:
            assert (REPOSITORY / source).exists()
            assert f"!{source}" in excepted
    copied = " ".join(arguments_of("COPY"))
    for name in (PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]):
        assert name in copied


def test_installed_packages_are_pinned():
    """The image installs a pinned subset of the requirements of the project."""
    (run,) = arguments_of("RUN")
    commands = [shlex.split(part) for part in run.split("&&")]
    assert [command[:4] for command in commands[:2]] == [
        ["python", "-m", "pip", "install"]
    ] * 2
    group = commands[0][commands[0].index("--group") + 1]
    extras = PROJECT["project"]["optional-dependencies"]
    known = {*PROJECT["project"]["dependencies"], *extras["serve"], *extras["onnx"]}
    assert set(PROJECT["dependency-groups"][group]) <= known
    assert set(extras["serve"]) <= set(PROJECT["dependency-groups"][group])
    constraints = commands[0][commands[0].index("--constraint") + 1]
    pinned = (REPOSITORY / constraints).read_text()
    for line in PROJECT["dependency-groups"][group]:
        assert f"\n{Requirement(line).name}==" in pinned
    assert commands[1][-2:] == ["--no-deps", "."]


def closure(names):
    """Return distributions and all their dependencies."""
    found, waiting = set(), {canonicalize_name(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        for line in importlib.metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.add(canonicalize_name(requirement.name))
        waiting -= found
    return found


BLOCK = """
import importlib.metadata, sys
from packaging.utils import canonicalize_name
allowed = set({allowed!r})
homes = importlib.metadata.packages_distributions()
class Missing:
    def find_spec(self, name, path=None, target=None):
        homes_of = set(map(canonicalize_name, homes.get(name.partition(".")[0], ())))
        if homes_of and not homes_of & allowed:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "model.onnx"
    network = clone(NETWORKS["han"]).set_params(max_epochs=1)
    export_onnx(network.fit(["So good.", "Too long. A bore."] * 8, [1, 0] * 8), path)
    return path


def test_image_serves_and_reports_readiness(model):
    """The installed packages suffice to serve; the health check detects a stop."""
    lines = PROJECT["dependency-groups"]["server"]
    allowed = closure(Requirement(line).name for line in lines)
    assert not allowed & {"torch", "scikit-learn", "scipy", "onnx"}
    # The package itself is on the path or installed in editable mode.
    prelude = BLOCK.format(allowed=sorted({*allowed, "sktextconv"}))
    (command,) = map(json.loads, arguments_of("CMD"))
    assert command[0] in PROJECT["project"]["scripts"]
    args = make_parser().parse_args(command[1:])
    assert (args.command, *map(str, args.model)) == ("serve", "/model/model.onnx")
    assert (args.host, [str(args.port)]) == ("0.0.0.0", arguments_of("EXPOSE"))
    (check,) = arguments_of("HEALTHCHECK")
    _, interpreter, script = json.loads(check.partition("CMD ")[2])
    assert interpreter == "-c"
    with running(model, prelude=prelude, arguments=command[3:]) as (process, address):
        assert "/readyz" in script
        script = script.replace("http://127.0.0.1:8000", address)
        check = [sys.executable, "-c", script]
        assert subprocess.run(check, check=False).returncode == 0
        process.kill()
        process.wait()
        stopped = subprocess.run(check, check=False, stderr=subprocess.DEVNULL)
        assert stopped.returncode == 1
