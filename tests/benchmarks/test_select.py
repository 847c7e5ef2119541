"""Comparison of settings on held-out training texts: runs and tables."""

import json
import types

import numpy as np
from sklearn.dummy import DummyClassifier

from benchmarks.accuracy import select
from benchmarks.accuracy.cell import Cell, load
from benchmarks.accuracy.models import ROWS, Row
from benchmarks.accuracy.small_data import DATA
from sktextconv import load_docstrings


def test_compare_saves_runs_once(tmp_path, monkeypatch):
    """The test set is not read."""
    docstrings = load_docstrings(subset="train")
    no_test_set = types.SimpleNamespace()  # has neither texts nor labels
    monkeypatch.setattr(select, "load", lambda cell: (docstrings, no_test_set))
    options = {"n_train": 60, "n_valid": 40, "threads": 1, "folder": tmp_path}
    tiny = {"max_epochs": 1, "embedding_dim": 8}
    first = select.compare(
        "kim-rand", "docstrings", settings=[tiny], seeds=[0], **options
    )
    settings = [tiny, tiny | {"dropout": 0.0}]
    runs = select.compare(
        "kim-rand", "docstrings", settings=settings, seeds=[0, 1], **options
    )
    assert runs[0] == first[0]
    assert [(run["seed"], run["settings"]) for run in runs] == [
        (0, tiny),
        (0, settings[1]),
        (1, tiny),
        (1, settings[1]),
    ]
    table = select.render(tmp_path)
    assert table.count("CNN-rand") == 2
    mean = np.mean([runs[0]["error"], runs[2]["error"]])
    assert f"     - {mean:.1f}\n" in table


def test_compare_leaves_test_texts_out(tmp_path, monkeypatch):
    """Texts that the error table tests on are neither trained on nor measured on."""
    path = tmp_path / "all.csv"
    path.write_text("".join(f'"{i % 2 + 1}","text {i}"\n' for i in range(100)))
    seen = []

    class Recorder(DummyClassifier):
        history_ = ()

        def fit(self, X, y):
            seen.extend(X)
            return super().fit(np.zeros((len(X), 1)), y)

        def predict(self, X):
            seen.extend(X)
            return super().predict(np.zeros((len(X), 1)))

    monkeypatch.setitem(select.ROWS, "bow", Row("BoW", Recorder, 1.0))
    options = {"settings": [{}], "seeds": [0], "n_train": 40, "n_valid": 30}
    options |= {"threads": 1, "train": (str(path),), "folder": tmp_path}
    select.compare("bow", "mine", held_out=30, **options)
    cell = Cell(data="mine", model="bow", train=str(path), held_out=30)
    assert set(seen).isdisjoint(load(cell)[1].data)
    assert len(set(seen)) == 70
    # A run on all texts is another one.
    runs = select.compare("bow", "mine", **options)
    assert [run.get("held_out") for run in runs] == [30, None]


def test_records_leave_test_texts_out():
    """So do all runs on data sets whose test texts are part of their files."""
    runs = [
        run
        for path in select.FOLDER.glob("*_*.json")
        for run in json.loads(path.read_text())
        if run["data"] in DATA
    ]
    assert runs
    assert {(run["data"], run.get("held_out")) for run in runs} <= {
        (name, source.n_test) for name, source in DATA.items()
    }


def test_render_seeds_range_and_chance(tmp_path):
    """Errors from best to worst seed, with the number of seeds at chance level."""
    run = {"data": "mine", "model": "kim-rand", "n_train": 2_000, "n_classes": 2}
    runs = [
        run
        | {"settings": {"max_epochs": 3}, "seed": seed, "error": error}
        | {"seconds": 1.0, "losses": [0.9, loss]}
        for seed, (error, loss) in enumerate(
            [(20.0, 0.3), (17.04, 0.2), (50.0, np.log(2)), (18.0, 0.2), (19.0, 0.2)]
        )
    ]
    few = [each | {"settings": {"max_epochs": 4}} for each in runs[:4]]
    more = [each | {"n_train": 3_000, "losses": [0.1]} for each in runs]
    (tmp_path / "kim-rand_mine.json").write_text(json.dumps(runs + few + more))
    table = select.render_seeds(tmp_path)
    first = "17.0–50.0 (2,000 texts, 3 passes, 1 at chance)"
    assert f"- {first}; 17.0–50.0 (3,000 texts, 3 passes)\n" in table
    assert "4 passes" not in table
    assert select.render_seeds(tmp_path / "none") == ""


def test_render_precisions_pairs_by_seed(tmp_path):
    """Runs are paired where all other settings are equal."""
    run = {"data": "mine", "model": "kim-rand", "n_train": 2_000, "n_classes": 2}
    run["n_valid"] = 500

    def runs(errors, **settings):
        settings |= {"max_epochs": 3}
        rest = {"settings": settings, "seconds": 1.0, "losses": [0.5, 0.2]}
        return [
            run | rest | {"seed": seed, "error": error}
            for seed, error in errors.items()
        ]

    found = [
        *runs({0: 20.0, 1: 10.0, 2: 15.0, 7: 99.0}),
        *runs({0: 21.0, 1: 13.0, 2: 17.0, 8: 99.0}, precision="bfloat16"),
        *runs({0: 50.0, 1: 50.0}, precision="bfloat16", batch_size=8),
    ]
    (tmp_path / "kim-rand_mine.json").write_text(json.dumps(found))
    *_, row = select.render_precisions(tmp_path).strip().split("* - ")
    # Differences of 1, 3 and 2 have a standard deviation of 1 and a mean of 2.
    shown = ["mine", "2,000", "3", ROWS["kim-rand"].name, "3", "15.0, 17.0"]
    shown += ["+2.0 ± 0.6", "0.200, 0.200"]
    assert [cell.strip() for cell in row.split("\n     - ")] == shown
    (tmp_path / "kim-rand_mine.json").write_text(json.dumps(found[:4]))
    assert select.render_precisions(tmp_path) == ""
