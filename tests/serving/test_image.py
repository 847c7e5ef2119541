"""The steps of the Dockerfile, as far as they can be followed without an engine."""

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

from sktextconv import cli, export_onnx

from ..classifiers import NETWORKS
from ..conftest import REPOSITORY
from .test_serving import running

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def instructions():
    """The instructions of the Dockerfile, as pairs of a word and the rest."""
    text = (REPOSITORY / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line]


STEPS = instructions()


def of(word):
    return [rest for name, rest in STEPS if name == word]


def test_the_steps_come_in_an_order_that_works():
    names = [name for name, _ in STEPS]
    assert names[0] == "FROM"
    assert names.index("COPY") < names.index("RUN") < names.index("USER")
    assert names[-2:] == ["HEALTHCHECK", "CMD"]
    assert set(names) <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "CMD")
    }


def test_it_does_not_run_as_root():
    (user,) = of("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_python_is_one_that_we_support():
    (base,) = of("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim", base)[1]
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, lowest.split(".")))


def test_what_is_copied_is_there_and_not_ignored():
    ignored, *excepted = (REPOSITORY / ".dockerignore").read_text().split()
    assert ignored == "*"
    for rest in of("COPY"):
        *sources, _ = rest.split()
        for source in sources:
            assert (REPOSITORY / source).exists()
            assert f"!{source}" in excepted
    copied = " ".join(of("COPY"))
    for name in (PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]):
        assert name in copied


def test_what_is_installed_is_defined_pinned_and_of_our_requirements():
    (run,) = of("RUN")
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
    """The distributions that some of them need, themselves included."""
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


def test_what_is_installed_is_enough_to_serve_and_the_health_check_sees_it(model):
    lines = PROJECT["dependency-groups"]["server"]
    allowed = closure(Requirement(line).name for line in lines)
    assert not allowed & {"torch", "scikit-learn", "scipy", "onnx"}
    # The package itself is on the path, or installed in place.
    prelude = BLOCK.format(allowed=sorted({*allowed, "sktextconv"}))
    (command,) = map(json.loads, of("CMD"))
    assert command[0] in PROJECT["project"]["scripts"]
    args = cli._make_parser().parse_args(command[1:])
    assert (args.command, str(args.model)) == ("serve", "/model/model.onnx")
    assert (args.host, [str(args.port)]) == ("0.0.0.0", of("EXPOSE"))
    (check,) = of("HEALTHCHECK")
    _, interpreter, script = json.loads(check.partition("CMD ")[2])
    assert interpreter == "-c"
    with running(model, prelude=prelude, arguments=command[3:]) as (process, address):
        here = address.replace("0.0.0.0", "127.0.0.1")
        script = script.replace("http://127.0.0.1:8000", here)
        check = [sys.executable, "-c", script]
        assert subprocess.run(check, check=False).returncode == 0
        process.kill()
        process.wait()
        stopped = subprocess.run(check, check=False, stderr=subprocess.DEVNULL)
        assert stopped.returncode == 1
