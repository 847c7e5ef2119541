"""Contents of the wheel and the sdist, pinned versions, documentation build."""

import itertools
import subprocess
import sys
import tarfile
import tomllib
import zipfile

from packaging.requirements import Requirement

import sktextconv
from sktextconv.estimator_checks import CHECKS

from .conftest import REPOSITORY


def run(*command):
    """Run a Python module with arguments and assert that it succeeds."""
    result = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_contents_of_wheel_and_sdist(tmp_path):
    """The wheel holds modules, stubs and pages; the sdist also the project files."""
    run("build", "--no-isolation", "--outdir", tmp_path, ".")
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "sktextconv").rglob("*.py")
    }
    inside = {name for name in names if ".dist-info/" not in name}
    pages = ("comparison/report.css", "serving/page.html", "serving/style.css")
    pages = {f"sktextconv/{name}" for name in pages}
    stubs = (REPOSITORY / "sktextconv").rglob("*.pyi")
    typed = {"sktextconv/py.typed", *(str(p.relative_to(REPOSITORY)) for p in stubs)}
    assert inside == modules | pages | typed
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert files >= modules | {"LICENSE", "Makefile", "README.md", "constraints.txt"}
    assert not any("results" in name and name.endswith(".xz") for name in files)


def test_direct_dependencies_are_pinned():
    """`constraints.txt` pins each within the range that `pyproject.toml` allows."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = itertools.chain(*project["optional-dependencies"].values())
    wanted = [*project["dependencies"], *extras]
    requirements = {Requirement(line) for line in wanted}
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    for requirement in requirements:
        if requirement.name != "sktextconv":
            assert requirement.specifier.contains(pins[requirement.name])
    assert pins["torch"] == "2.13.0"


def test_documentation_builds_without_warning(tmp_path):
    """The reference lists every public name and the guide every check."""
    # The examples are not run, as in `make docs`.
    options = ("-W", "--keep-going", "-q", "-D", "plot_gallery=0")
    run("sphinx", *options, "-b", "html", "docs", tmp_path)
    reference = (tmp_path / "reference.html").read_text()
    public = set(sktextconv.__all__) - {"__version__"}
    assert all(f"sktextconv.{name}" in reference for name in public)
    guide = (tmp_path / "how-to/checking.html").read_text()
    assert all(f">{check.name}<" in guide for check in CHECKS)
