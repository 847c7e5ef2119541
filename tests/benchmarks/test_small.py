"""Comparison of models on few texts: samples, runs, tables, figure and records."""

import base64
import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.utils import Bunch

from benchmarks.accuracy import small, small_data, small_tables

WORDS = ["red", "blue", "green"]


@pytest.fixture
def files(tmp_path):
    """Folder with a file of 60 texts of three classes."""
    lines = [f'"{i % 3 + 1}","a {WORDS[i % 3]} w{i}"\n' for i in range(60)]
    (tmp_path / "mine.csv").write_text("".join(lines))
    return tmp_path


@pytest.fixture
def source(monkeypatch):
    """Data set "mine", of which ten texts are held out and ten are those of a table."""
    source = small_data.Source("Mine", ("mine.csv",), 10, 10, 10)
    monkeypatch.setitem(small_data.DATA, "mine", source)
    return source


def make_jobs(files, *arguments):
    folder = ["--files", str(files), "--folder", str(files / "records")]
    parser = small._make_parser()
    return small.make_jobs(parser.parse_args([*folder, "--data", "mine", *arguments]))


def make_run(model, n_train, seed, wrong):
    return {
        "data": "imdb",
        "model": model,
        "n_train": n_train,
        "seed": seed,
        "n_valid": len(wrong),
        "n_classes": 2,
        "wrong": base64.b64encode(np.packbits(wrong)).decode(),
        "cpu_seconds": 2.0,
    }


def write_runs(folder, runs):
    (folder / "imdb.json").write_text(json.dumps(runs))
    return small_tables.read_records(folder)


def test_read_pool_parts_do_not_overlap(files, source):
    """Training, held-out and table texts are disjoint; the split does not change."""
    pool, valid = small_data.read_pool(source, files)
    assert (len(pool.data), len(valid.data)) == (40, 10)
    table = small_data.read_pool(source._replace(n_test=None), files)[1]
    assert len({*pool.data, *valid.data, *table.data}) == 60
    assert np.bincount(valid.target).min() >= 3


def test_draw_sample_is_nested():
    """A smaller sample begins a larger one; another seed draws other texts."""
    pool = Bunch(data=[str(i) for i in range(50)], target=np.arange(50))
    texts, target = small_data.draw_sample(pool, 20, 1)
    assert texts == list(map(str, target))
    assert small_data.draw_sample(pool, 5, 1)[0] == texts[:5]
    assert small_data.draw_sample(pool, 5, 2)[0] != texts[:5]
    with pytest.raises(ValueError, match="at most 50 texts"):
        small_data.draw_sample(pool, 51, 0)


def test_small_job_records_errors(files, source):
    """The packed errors are those of the model, fitted to its sample."""
    (job,) = make_jobs(files, "--models", "BoW", "--sizes", "12", "--seeds", "3")
    run = job.run()
    pool, valid = small_data.read_pool(source, files)
    X, y = small_data.draw_sample(pool, 12, 3)
    wrong = small.MODELS["BoW"].make().fit(X, y).predict(valid.data) != valid.target
    assert small_tables._wrong(run).tolist() == wrong.tolist()
    assert run["error"] == 100 * wrong.mean()
    assert run["n_valid"] == 10


def test_small_job_write_replaces_its_record(files, source):
    """A file has one record per run, in the order of model, size and seed."""
    jobs = make_jobs(
        files, "--models", "BoW", "--sizes", "9", "12", "--seeds", "1", "0"
    )
    record = {"data": "mine", "model": "BoW", "n_train": 9, "seed": 1, "error": 1.0}
    jobs[0].write(record)
    jobs[0].write(record | {"n_train": 12, "seed": 0})
    jobs[0].write(record | {"error": 2.0})
    runs = json.loads(jobs[0].path.read_text())
    assert [(run["n_train"], run["error"]) for run in runs] == [(9, 2.0), (12, 1.0)]
    known = [job.read() is not None for job in jobs]
    assert known == [True, False, False, True]


def test_compare_names_missed_jobs(tmp_path):
    """Runs with a record are not repeated; one that fails is named with the reason."""
    parser, lines = small._make_parser(), []
    arguments = ["--files", str(tmp_path), "--folder", str(tmp_path), "--seeds", "0"]
    arguments += ["--data", "imdb", "--models", "BoW", "--sizes", "500", "1000"]
    done, missing = small.make_jobs(parser.parse_args(arguments))
    done.write(done.key | {"seconds": 1.0})
    (missed,) = small.compare([done, missing], report=lines.append)
    assert missed.job == missing
    assert lines[-1].startswith("imdb, BoW, 1,000 texts, seed 0: FileNotFoundError")


def test_small_models_include_each_network():
    """All networks of the package run, with default settings."""
    for name, row in small.NETWORKS.items():
        estimator = row.make()
        assert type(estimator).__name__ == f"{name}Classifier"
        assert estimator.get_params() == type(estimator)().get_params()


def test_mean_difference_interval_covers_seeds():
    """On many equal texts, the interval is that of Student's t over the seeds."""
    rng = np.random.default_rng(0)
    rates = [0.2, 0.25, 0.4]
    runs = {
        seed: make_run("BoW", 500, seed, rng.random(200_000) < rate)
        for seed, rate in enumerate(rates)
    }
    none = {seed: make_run("BoW", 500, seed, np.zeros(200_000, bool)) for seed in runs}
    found = small_tables.mean_difference(runs, none | {7: None})
    errors = [100 * small_tables._wrong(run).mean() for run in runs.values()]
    low, high = ttest_1samp(errors, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(np.mean(errors))
    assert found.half == pytest.approx((high - low) / 2, rel=0.01)
    assert small_tables.mean_difference(runs, {7: None}) is None


def test_mean_error_interval_covers_texts():
    """Seeds of equal errors have the interval of the held-out texts."""
    wrong = np.arange(1_000) % 4 == 0
    runs = {seed: make_run("BoW", 500, seed, wrong) for seed in range(5)}
    found = small_tables.mean_error(runs)
    standard_error = 100 * np.sqrt(0.25 * 0.75 / 999)
    assert found.half == pytest.approx(1.962 * standard_error, rel=1e-3)
    assert f"{small_tables.mean_error({0: runs[0]})}" == "25.0"


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ((0.1, 0.1), "better at all sizes (1,000: -20.0 ±"),
        ((0.5, 0.1), "worse at 500; better at 1,000 (1,000: -20.0 ±"),
        ((0.1, 0.31), "better at 500; open at 1,000 (1,000: +1.0 ±"),
    ],
)
def test_render_verdicts(tmp_path, rates, verdict):
    """A model is better at a size if the interval of the difference is below zero."""
    rng = np.random.default_rng(0)

    def runs(model, rates):
        for n_train, rate in zip((500, 1_000), rates, strict=True):
            for seed in range(5):
                wrong = np.arange(2_000) < 2_000 * rate
                yield make_run(model, n_train, seed, rng.permutation(wrong))

    found = write_runs(tmp_path, [*runs("TF-IDF", (0.3, 0.3)), *runs("KimCNN", rates)])
    *_, row = small_tables.render_verdicts(found).strip().split("* - ")
    name, cell = (each.strip() for each in row.split("\n     - "))
    assert name == "KimCNN"
    assert cell.startswith(verdict)


def test_render_and_draw_incomplete_records(tmp_path):
    """Missing sizes are empty cells, and one seed has no interval."""
    wrong = np.arange(10) < 3
    runs = [make_run("BoW", n, seed, wrong) for n in (500, 2_000) for seed in (0, 1)]
    found = write_runs(tmp_path, [*runs, make_run("KimCNN", 500, 0, wrong)])
    *_, bow, kim = small_tables.render(found).strip().split("* - ")
    assert kim.split("\n     - ")[1:] == ["30.0", "", "2.0 (500 texts)", "1"]
    assert bow.split("\n     - ")[1].startswith("30.0 ± ")
    assert [cell.strip() for cell in bow.split("\n     - ")[3:]] == ["2.0", "2"]
    figure = small_tables.draw(found)
    (axes,) = [axes for axes in figure.axes if axes.get_visible()]
    assert axes.get_title() == "IMDB"
    assert {text.get_text() for text in figure.legends[0].texts} == {"BoW", "KimCNN"}
    none = small_tables.read_records(tmp_path / "none")
    assert small_tables.render(none) == small_tables.render_verdicts(none) == ""


def test_draw_colors(tmp_path):
    """Linear models are gray; each network has a color of its own."""
    wrong = np.arange(10) < 3
    found = write_runs(tmp_path, [make_run(name, 5, 0, wrong) for name in small.MODELS])
    bars = small_tables.draw(found).legends[0].legend_handles
    colors = [tuple(bar.get_color()[0, :3]) for bar in bars]
    n_linear = len(small.LINEAR)
    assert all(len(set(color)) == 1 for color in colors[:n_linear])
    assert all(len(set(color)) > 1 for color in colors[n_linear:])
    assert len(set(colors)) == len(small.MODELS)


def test_committed_records_are_complete_and_paired():
    """Linear models have five seeds of each size; models and data are known."""
    found = small_tables.read_records()
    assert found.keys() == small_data.DATA.keys()
    for data, by_model in found.items():
        assert by_model.keys() <= small.MODELS.keys()
        for model in small.LINEAR:
            n_seeds = {n: len(runs) for n, runs in by_model[model].items()}
            sizes = {500, 1_000, 2_000}
            if data != "yelp_full_subset":  # which has fewer texts
                sizes.add(5_000)
            assert n_seeds == dict.fromkeys(sizes, 5), (data, model)
    assert small_tables.render_verdicts(found)
    assert len(small_tables.draw(found).axes) == len(found)
