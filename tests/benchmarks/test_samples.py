"""Comparison of linear models on small samples: runs, table and committed records."""

import json
from collections import defaultdict

import numpy as np
import pytest

from benchmarks.accuracy import samples

WORDS = ["red", "blue", "green"]


@pytest.fixture
def csv(tmp_path):
    """File of 60 texts of three classes, whose third word is a new one in each text."""
    lines = [f'"{i % 3 + 1}","a {WORDS[i % 3]} w{i}"\n' for i in range(60)]
    (tmp_path / "train.csv").write_text("".join(lines))
    return tmp_path / "train.csv"


def test_compare_saves_runs_once(csv, tmp_path):
    """Both models are measured on each split, and known runs are not repeated."""
    options = {"n_valid": 15, "train": csv, "folder": tmp_path}
    options["columns"] = {"header": False, "label_column": 0}
    first = samples.compare("mine", sizes=[30], seeds=[0], **options)
    runs = samples.compare("mine", sizes=[30], seeds=[0, 1], n_words=2, **options)
    assert runs[:2] == first
    assert runs == json.loads((tmp_path / "mine.json").read_text())
    assert [(run["model"], run["n_words"], run["seed"]) for run in runs] == [
        (model, n_words, seed)
        for n_words, seed in [(None, 0), (2, 0), (2, 1)]
        for model in samples.PAIRS["ngrams"]
    ]
    assert {run["n_classes"] for run in runs} == {3}
    assert [run["error"] for run in runs] == [0.0] * 6


def test_compare_reads_first_words_only(csv, tmp_path):
    """With the first word only, which all texts share, the error is that of chance."""
    runs = samples.compare(
        "mine",
        sizes=[30],
        seeds=[0],
        n_valid=15,
        n_words=1,
        train=csv,
        columns={"header": False, "label_column": 0},
        folder=tmp_path,
    )
    assert [run["error"] for run in runs] == [pytest.approx(200 / 3)] * 2


def test_make_model_sets_parameter():
    """A model of a pair has the parameter that follows its row."""
    plain, auto = map(samples.make_model, samples.PAIRS["penalty"])
    assert (plain[-1].C, auto[-1].C) == (10_000, "auto")


def test_render_means_and_largest_difference(tmp_path):
    """Differences are of the same seed; a seed with one model is left out."""
    run = {"data": "mine", "n_words": 8, "n_train": 1_500, "n_classes": 3}
    errors = {0: (20.0, 19.0), 1: (22.0, 24.0), 2: (30.0, 25.5)}
    runs = [
        run | {"seed": seed, "model": model, "error": error}
        for seed, pair in errors.items()
        for model, error in zip(samples.PAIRS["ngrams"], pair, strict=True)
    ]
    runs.append(run | {"seed": 3, "model": "ngrams", "error": 90.0})
    (tmp_path / "mine.json").write_text(json.dumps(runs))
    *_, row = samples.render(tmp_path).strip().split("* - ")
    shown = ["mine", "3", "8", "1,500", "3", "24.0", "22.8", "-1.2", "+2.0"]
    assert [cell.strip() for cell in row.split("\n     - ")] == shown
    assert samples.render(tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("pair", "bound"), [("ngrams", 2.0), ("tfidf", 0.5), ("penalty", 1.0)]
)
def test_committed_model_is_not_behind(pair, bound):
    """Mean errors are at most so many points above those of the other model."""
    theirs, ours = samples.PAIRS[pair]
    errors = defaultdict(lambda: defaultdict(list))
    for path in samples.FOLDER.glob("*.json"):
        for run in json.loads(path.read_text()):
            if run["model"] in (theirs, ours):
                key = (run["data"], run["n_words"], run["n_train"])
                errors[key][run["model"]].append(run["error"])
    assert {data for data, _, _ in errors} >= {
        "ag_news",
        "docstrings",
        "dbpedia",
        "imdb",
    }
    for key, of in errors.items():
        assert len(of[theirs]) == len(of[ours])
        assert np.mean(of[ours]) <= np.mean(of[theirs]) + bound, key
