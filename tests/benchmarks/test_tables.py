"""Error tables: intervals, gaps, notes, rendering."""

import base64
import math

import numpy as np
import pytest

from benchmarks.accuracy import lines, tables
from benchmarks.accuracy.models import ROWS
from benchmarks.accuracy.published import PUBLISHED


def test_interval_of_one_seed_is_binomial():
    wrong = np.arange(2000) < 300
    low, high = lines.interval([wrong])
    half = 1.96 * math.sqrt(0.15 * 0.85 / 2000) * 100
    assert low == pytest.approx(15 - half, abs=0.15)
    assert high == pytest.approx(15 + half, abs=0.15)


def test_interval_resamples_texts_across_seeds():
    """One draw of texts serves all seeds."""
    wrong = np.arange(2000) < 300
    assert lines.interval([wrong, wrong]) == lines.interval([wrong])
    other = np.roll(wrong, 1000)  # the seeds err on different texts
    low, high = lines.interval([wrong, other])
    alone = lines.interval([wrong])
    assert high - low < alone[1] - alone[0]


def fake(model="bow", **changes):
    wrong = np.arange(7_600) < 1_140
    return {
        "cell": {"model": model, "settings": {}, "sample": None},
        "warnings": [],
        "row": ROWS[model].name,
        "error": 15.0,
        "wrong": base64.b64encode(np.packbits(wrong)).decode(),
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


def cells_of(data, *results):
    cells = tables.lines_of(data, list(results))[0].cells()
    return dict(zip(lines.COLUMNS, cells, strict=True))


def test_gap_needs_training_data_of_paper():
    whole = cells_of("ag_news", fake())
    assert (whole["Model"], whole["Error %"]) == ("BoW", "15.00")
    assert (whole["Paper %"], whole["Gap"]) == ("11.19", "+3.81")
    part = cells_of("ag_news", fake(n_train=40_184))
    assert (part["Paper %"], part["Gap"]) == ("11.19", "")
    other = cells_of("mine", fake())
    assert (other["Paper %"], other["Gap"]) == ("", "")


@pytest.mark.parametrize("style", ["text", "markdown", "rst"])
def test_table_of_subset_has_no_gap(style):
    """The error in the paper stands beside under another name, without a gap."""
    part = fake(n_train=9_000, n_train_available=9_000)
    text = tables.render({"dbpedia_subset": [part]}, style)
    assert "Gap" not in text
    assert "Paper, all data %" in text
    assert "3.39" in text  # of BoW on all data of DBPedia
    assert "DBPedia, subset" in text
    whole = tables.render({"ag_news": [fake()]}, style)
    assert "Gap" in whole
    assert "all data" not in whole


def test_deviation_over_seeds_needs_three():
    seeds = [fake(error=error) for error in (14.0, 15.0, 17.0)]
    assert cells_of("ag_news", *seeds[:2])["SD"] == ""
    assert cells_of("ag_news", *seeds)["SD"] == "1.53"  # sqrt(7 / 3)
    (line,) = (line for line in tables.lines_of("ag_news", seeds) if line.results)
    assert line.short_cell().replace("\N{NO-BREAK SPACE}", " ") == "15.33 ± 1.53"


def with_settings(sample=None, epochs=1, **settings):
    cell = {"model": "charcnn-small", "settings": settings, "sample": sample}
    history = [{"train_loss": 1.0}] * epochs
    params = {"precision": "float32"}
    size = {"n_seen": epochs * 1_000, "history": history, "params": params}
    return fake("charcnn-small") | size | {"cell": cell}


def test_overview_shows_setting_closest_to_default():
    """Neither the error nor the order of the files decides."""
    few = with_settings(epochs=2, max_epochs=2) | {"error": 20.0}
    more = with_settings(epochs=5, max_epochs=5) | {"error": 30.0}
    other = with_settings(epochs=9, init="random") | {"error": 10.0}
    sample = with_settings(sample=100, epochs=9) | {"error": 5.0}
    found = {"ag_news": [sample, other, few, more, fake()]}
    head, *rows = tables.make_overview(found)
    assert head == ["Error %", "AG News"]
    assert [row[0] for row in rows] == [row.name for row in ROWS.values()]
    assert dict(rows)["Sm. Conv."] == "30.00"
    assert dict(rows)["BoW"] == "15.00"
    assert dict(rows)["Lg. Conv."] == ""
    _, *rows = tables.make_overview({"ag_news": [sample]})
    assert dict(rows)["Sm. Conv."] == "5.00\N{DOUBLE DAGGER}"
    (line,) = (
        line
        for line in tables.lines_of("ag_news", found["ag_news"])
        if line.results == [sample]
    )
    assert "trained on a sample of 120,000 texts" in line.note()


def test_note_on_gpu_memory():
    """It is the peak over seeds, where a GPU computed."""
    seeds = [fake(gpu_peak_mib=peak) for peak in (1200.0, 3400.4)]
    assert "3,400 MiB of GPU memory" in cells_of("ag_news", *seeds)["What was run"]
    cpu = cells_of("ag_news", fake(gpu_peak_mib=None))
    assert (
        "GPU" not in cpu["What was run"] + cells_of("ag_news", fake())["What was run"]
    )


def times_of(*results):
    cells = cells_of("ag_news", *results)
    return [cells[name] for name in lines.TIME_COLUMNS]


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
    earlier = tables.render({"ag_news": [fake()]}, style)
    assert "† Wall" in " ".join(earlier.split())
    timed = fake(train_cpu_seconds=1.0, predict_cpu_seconds=1.0)
    assert "†" not in tables.render({"ag_news": [timed]}, style)


def test_cell_without_run_is_empty():
    made = tables.lines_of("ag_news", [fake()])
    assert len(made) == len(ROWS)
    for line in made[1:]:
        cells = dict(zip(lines.COLUMNS, line.cells(), strict=True))
        published = PUBLISHED.get(("ag_news", cells.pop("Model")))
        assert cells.pop("Paper %") == ("" if published is None else f"{published:.2f}")
        assert set(cells.values()) == {""}


@pytest.mark.parametrize(("loss", "noted"), [(1.385, True), (1.2, False)])
def test_note_on_network_at_chance_level(loss, noted):
    history = [{"train_loss": loss}]
    params = {"precision": "float32"}
    result = fake("charcnn-small", history=history, params=params, n_seen=120_000)
    (line,) = (each for each in tables.lines_of("ag_news", [result]) if each.results)
    assert ("never left chance level" in line.note()) is noted


@pytest.mark.parametrize("style", ["text", "markdown", "rst"])
def test_render_shows_every_row(style):
    text = tables.render({"ag_news": [fake(), fake("charcnn-large")]}, style)
    for row in ROWS.values():
        assert row.name in " ".join(text.split())
    assert "15.00" in text


def test_render_text_fits_80_columns():
    text = tables.render({"ag_news": [fake(n_parameters=95_940_612)]})
    assert max(map(len, text.splitlines())) <= 79


def test_readme_lines_show_one_setting_per_row():
    """It is the closest to the defaults, and never one on a sample."""
    tuned, plain, sample = (
        fake(cell={"model": "bow-tfidf", "settings": settings, "sample": size})
        for settings, size in (({"C": 1.0}, None), ({}, None), ({}, 100))
    )
    shown = tables.readme_lines({"ag_news": [tuned, plain, sample]}, "ag_news")
    assert shown["BoW TFIDF"].results == [plain]
    assert "BoW TFIDF" not in tables.readme_lines({"ag_news": [sample]}, "ag_news")
