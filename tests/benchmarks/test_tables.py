"""Error tables: intervals, gaps, notes, rendering."""

import math

import numpy as np
import pytest

from benchmarks.accuracy import tables
from benchmarks.accuracy.models import ROWS
from benchmarks.accuracy.published import PUBLISHED


def test_interval_of_one_seed_is_binomial():
    wrong = np.arange(2000) < 300
    low, high = tables.interval([wrong])
    half = 1.96 * math.sqrt(0.15 * 0.85 / 2000) * 100
    assert low == pytest.approx(15 - half, abs=0.15)
    assert high == pytest.approx(15 + half, abs=0.15)


def test_interval_resamples_texts_across_seeds():
    """One draw of texts serves all seeds."""
    wrong = np.arange(2000) < 300
    assert tables.interval([wrong, wrong]) == tables.interval([wrong])
    other = np.roll(wrong, 1000)  # the seeds err on different texts
    low, high = tables.interval([wrong, other])
    alone = tables.interval([wrong])
    assert high - low < alone[1] - alone[0]


def fake(model="bow", **changes):
    wrong = np.arange(7_600) < 1_140
    return {
        "cell": {"model": model, "settings": {}, "sample": None},
        "warnings": [],
        "row": ROWS[model].name,
        "error": 15.0,
        "wrong": tables.base64.b64encode(np.packbits(wrong)).decode(),
        "n_train": 120_000,
        "n_train_available": 120_000,
        "n_test": 7_600,
        "n_classes": 4,
        "selection": [{"params": {"C": 1000.0}, "error": 3.0}],
        "history": None,
        "n_seen": 120_000,
        "train_seconds": 1234.5,
        "predict_seconds": 76.0,
        "n_parameters": 200_004,
        "peak_mib": 4321.0,
        "machine": {"cpu": "CPU", "gpu": None, "threads": 2},
        "versions": {"torch": "2", "scikit-learn": "1"},
    } | changes


def test_gap_needs_training_data_of_paper():
    whole = tables.lines_of("ag_news", [fake()])[0].cells()
    assert whole[:5] == ["BoW", "15.00", whole[2], "11.19", "+3.81"]
    part = tables.lines_of("ag_news", [fake(n_train=40_184)])[0].cells()
    assert part[3:5] == ["11.19", ""]
    other = tables.lines_of("mine", [fake()])[0].cells()
    assert other[3:5] == ["", ""]


def times_of(*results):
    cells = tables.lines_of("ag_news", list(results))[0].cells()
    return [cells[tables.COLUMNS.index(name)] for name in tables.TIME_COLUMNS]


def test_cells_show_cpu_time_or_mark_wall_time():
    """Wall time of earlier records has a dagger, as has that of a GPU."""
    assert times_of(fake()) == ["1,234†", "97†", "100†"]
    cpu = {"train_cpu_seconds": 600.0, "predict_cpu_seconds": 38.0}
    assert times_of(fake(**cpu)) == ["600", "200", "200"]
    gpu = {"cpu": "CPU", "gpu": "GPU", "threads": 1}
    assert times_of(fake(**cpu, machine=gpu)) == ["1,234†", "97†", "100†"]


def test_cells_prefer_seeds_with_cpu_time():
    timed = [
        fake(train_cpu_seconds=seconds, predict_cpu_seconds=1.0)
        for seconds in (100.0, 300.0)
    ]
    assert times_of(fake(), *timed)[0] == "200"


@pytest.mark.parametrize("style", ["text", "markdown", "rst"])
def test_render_explains_dagger_if_shown(style):
    earlier = tables.render({("ag_news", None): [fake()]}, style)
    assert "† Wall" in " ".join(earlier.split())
    timed = fake(train_cpu_seconds=1.0, predict_cpu_seconds=1.0)
    assert "†" not in tables.render({("ag_news", None): [timed]}, style)


def test_cell_without_run_is_empty():
    lines = tables.lines_of("ag_news", [fake()])
    assert len(lines) == len(ROWS)
    for line in lines[1:]:
        name, error, between, paper, gap, *rest = line.cells()
        assert (error, between, gap, set(rest)) == ("", "", "", {""})
        published = PUBLISHED.get(("ag_news", name))
        assert paper == ("" if published is None else f"{published:.2f}")


@pytest.mark.parametrize(("loss", "noted"), [(1.385, True), (1.2, False)])
def test_note_on_network_at_chance_level(loss, noted):
    history = [{"train_loss": loss}]
    params = {"precision": "float32"}
    result = fake("charcnn-small", history=history, params=params, n_seen=120_000)
    (line,) = (each for each in tables.lines_of("ag_news", [result]) if each.results)
    assert ("never left chance level" in line.note()) is noted


@pytest.mark.parametrize("style", ["text", "markdown", "rst"])
def test_render_shows_every_row(style):
    text = tables.render({("ag_news", None): [fake(), fake("charcnn-large")]}, style)
    for row in ROWS.values():
        assert row.name in " ".join(text.split())
    assert "15.00" in text


def test_render_text_fits_80_columns():
    text = tables.render({("ag_news", None): [fake(n_parameters=95_940_612)]})
    assert max(map(len, text.splitlines())) <= 79


def test_readme_lines_reject_two_results_per_row():
    results = [fake(), fake()]
    results[1]["cell"] = results[1]["cell"] | {"settings": {"C": 1.0}}
    for result in results:
        result["cell"] = result["cell"] | {"model": "bow-tfidf"}
    with pytest.raises(ValueError, match="two results for 'BoW TFIDF'"):
        tables.readme_lines({("ag_news", None): results}, "ag_news")
