"""README: its table, figure and speed agree with the committed results."""

import json
import re
import subprocess

import pytest

from benchmarks._record import RESULTS
from benchmarks._render import as_markdown
from benchmarks.accuracy import tables
from benchmarks.accuracy.models import ROWS
from benchmarks.speed import tables as speed


def committed_results():
    command = ["git", "ls-files", "*.json"]
    listed = subprocess.run(command, cwd=RESULTS, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a repository: cannot tell which results are committed")
    return [RESULTS / name for name in listed.stdout.split()]


@pytest.fixture
def committed(tmp_path):
    for path in committed_results():
        copied = tmp_path / path.parent.name / path.name
        copied.parent.mkdir(exist_ok=True)
        copied.write_text(path.read_text())
    return tables.read_results(tmp_path)


def test_readme_table_shows_committed_results(committed):
    readme = (RESULTS.parents[1] / "README.md").read_text()
    shown = readme.partition("<!-- tables -->\n")[2].partition("<!-- end of tables")[0]
    assert shown == tables.render_readme(committed)


def test_readme_rows_have_results(committed):
    """Each of at most twelve rows has a result on some data set of the README."""
    assert len(tables.README_ROWS) <= 12
    lines = [tables.readme_lines(committed, data) for data in tables.README_DATA]
    assert set().union(*lines) == set(tables.README_ROWS)


def test_figure_shows_committed_results(committed):
    plot = pytest.importorskip("benchmarks.accuracy.plot")
    image = pytest.importorskip("PIL.Image")
    with image.open(plot.PATH) as figure:
        shown = json.loads(figure.info["Description"])
    for data in tables.README_DATA:
        expected = plot.points(committed, data)
        for found, point in zip(shown[data], expected, strict=True):
            name, error, seconds, by_wall = found
            assert (name, by_wall) == (point.model, point.by_wall)
            assert error == pytest.approx(point.error)
            assert seconds == pytest.approx(point.cpu_seconds)


def test_readme_links_exist():
    root = RESULTS.parents[1]
    links = re.findall(r"\]\(([^):]+)\)", (root / "README.md").read_text())
    assert links
    assert not [link for link in links if not (root / link).exists()]


def test_readme_shows_committed_speed():
    readme = (RESULTS.parents[1] / "README.md").read_text()
    shown = readme.partition("<!-- speed -->\n")[2].partition("<!-- end of speed")[0]
    result = json.loads(speed.RESULT.read_text())
    assert len(speed.README_LINES) == 5
    table = as_markdown(speed.table(result, speed.README_LINES))
    assert shown == f"{table}\n\n{speed.describe(result)}\n"


def test_committed_results_hold_no_path():
    for path in committed_results():
        text = path.read_text()
        cell = json.loads(text).get("cell")
        assert cell is None or cell["model"] in ROWS
        assert "/home" not in text
        assert "/root" not in text
