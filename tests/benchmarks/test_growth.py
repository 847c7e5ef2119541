"""Growth of cost: exponents, generated texts, runs that resume."""

import json

import numpy as np
import pytest

from benchmarks.speed import growth, growth_tables
from benchmarks.speed.growth import Corpus, draw_texts
from benchmarks.speed.reasons import REASONS

COMMITTED = json.loads(growth_tables.RESULT.read_text())


def test_fit_exponent_of_power_law():
    sizes = np.array([1, 3, 10, 30, 100])
    slope, error = growth_tables.fit_exponent(sizes, 0.2 * sizes**1.5)
    assert slope == pytest.approx(1.5)
    assert error == pytest.approx(0, abs=1e-9)


def test_fit_exponent_ignores_small_sizes():
    """Only the largest decade counts, where constant costs matter least."""
    sizes = np.array([1.0, 3, 10, 30, 100])
    costs = np.array([50.0, 7, 10, 30, 100])
    assert growth_tables.fit_exponent(sizes, costs)[0] == pytest.approx(1)


def test_fit_exponent_error_covers_noise():
    rng = np.random.default_rng(0)
    sizes = np.geomspace(10, 100, 40)
    slope, error = growth_tables.fit_exponent(
        sizes, sizes * np.exp(rng.normal(scale=0.1, size=40))
    )
    # The textbook value: the deviation of the noise over that of the log sizes.
    deviation = np.log(sizes).std() * np.sqrt(40)
    assert error == pytest.approx(0.1 / deviation, rel=0.3)
    assert abs(slope - 1) < 3 * error


def test_short_curve_has_no_exponent():
    points = [{"texts": 10, "cpu_seconds": 1.0}, {"texts": 30, "cpu_seconds": 3.0}]
    assert growth_tables.exponent_of("texts", points, "cpu_seconds") is None


def test_draw_texts_has_sizes_of_corpus():
    texts, y, n_words = draw_texts(Corpus(400, 20, 5, 100))
    words = [text.replace(".", "").split() for text in texts]
    assert np.bincount(y).tolist() == [80] * 5
    assert {min(map(len, words)), max(map(len, words))} == {10, 30}
    assert np.mean([len(each) for each in words]) == pytest.approx(20, rel=0.05)
    assert n_words == len({word for each in words for word in each}) <= 105


def test_run_resumes_and_ends_slow_curves(tmp_path, monkeypatch):
    """Points of the file stay, and a curve ends at the limit of seconds."""
    small = Corpus(0, 10, 2, 50), [20, 40, 80]
    monkeypatch.setitem(growth.FACTORS, "texts", small)
    path = tmp_path / "growth.json"
    (first,) = growth.run(["BoW"], ["texts"], path, seconds=0)["curves"].values()
    assert [point["texts"] for point in first["BoW"]["points"]] == [20]
    (whole,) = growth.run(["BoW"], ["texts"], path, seconds=60)["curves"].values()
    assert [point["texts"] for point in whole["BoW"]["points"]] == [20, 40, 80]
    assert whole["BoW"]["points"][0] == first["BoW"]["points"][0]
    assert all(point["cpu_seconds"] > 0 for point in whole["BoW"]["points"])
    assert json.loads(path.read_text())["curves"]["texts"] == whole


@pytest.mark.parametrize("cost", growth_tables.COSTS)
def test_committed_growth_is_linear(cost):
    """Exponents above the goal have a reason."""
    key = {"cpu_seconds": "growth-time", "mib": "growth-memory"}[cost]
    for factor, by_family in COMMITTED["curves"].items():
        for family, curve in by_family.items():
            found = growth_tables.exponent_of(factor, curve["points"], cost)
            assert found is None or found[0] <= 1.1 or family in REASONS.get(key, "")


@pytest.mark.parametrize("cost", growth_tables.COSTS)
def test_growth_figure_and_table_show_all_families(cost):
    rows = growth_tables.table(COMMITTED, cost)
    assert {row[0] for row in rows[1:]} == growth.FAMILIES.keys()
    figure = growth_tables.draw(COMMITTED, cost)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        row[0] for row in rows[1:]
    ]
