"""Cells of the error table: training, selection, skipped and failed runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks._record import write_json
from benchmarks.accuracy import cell as cells_module, tables
from benchmarks.accuracy.cell import (
    Cell,
    _make_estimator,
    expected_cost,
    load,
    run_cell,
)
from benchmarks.accuracy.fasttext import _one_line
from benchmarks.accuracy.models import ROWS
from benchmarks.accuracy.run import parse, run_cells
from sktextconv import HANClassifier, make_nb_ngram_classifier, make_tfidf_classifier

TINY = {"batch_size": 8, "max_epochs": 2, "max_length": 123}


def write_csv(path, n_rows, *, flip=False):
    """Write texts of two classes, told apart by one word; `flip` swaps the labels."""
    rng = np.random.RandomState(0)
    lines = []
    for row in range(n_rows):
        label = row % 2
        word = ("fine", "dull")[label]
        noise = " ".join(rng.choice(["film", "plot", "cast", "end"], 4))
        lines.append(f'"{2 - (label ^ flip)}","{word}","{noise}"\n')
    path.write_text("".join(lines))
    return str(path)


@pytest.fixture
def cell(tmp_path):
    return Cell(
        data="mine",
        model="bow",
        train=write_csv(tmp_path / "train.csv", 60),
        test=write_csv(tmp_path / "test.csv", 20),
    )


def test_cell_of_linear_model(cell):
    result = run_cell(cell)
    assert result["error"] == 0.0
    assert (result["n_train"], result["n_test"], result["n_classes"]) == (60, 20, 2)
    n_words = len({"fine", "dull", "film", "plot", "cast", "end"})
    assert result["n_parameters"] == n_words + 1
    assert {tuple(each["params"]) for each in result["selection"]} == {("C",)}
    chosen = min(result["selection"], key=lambda each: each["error"])
    assert result["params"]["C"] == chosen["params"]["C"]
    assert np.sum(result["confusion"]) == 20
    # One thread computes, so that CPU time is at most wall time, but for rounding.
    for phase in ("select", "train", "predict"):
        assert 0 < result[f"{phase}_cpu_seconds"] < result[f"{phase}_seconds"] + 0.1
    assert result["cell"]["train"] == "train.csv"  # without the folder
    json.dumps(result)


def test_cell_reads_columns_of_training_file(cell, tmp_path):
    """A test file is read by the names of the training file, whatever their order."""
    named = {}
    for name, order in (("train", [0, 1, 2]), ("test", [2, 0, 1])):
        lines = ["label,title,text", *Path(vars(cell)[name]).read_text().splitlines()]
        rows = [line.split(",") for line in lines]
        path = tmp_path / f"named_{name}.csv"
        path.write_text("".join(",".join(row[i] for i in order) + "\n" for row in rows))
        named[name] = str(path)
    assert run_cell(replace(cell, **named))["error"] == 0.0
    unknown = tmp_path / "unknown.csv"
    unknown.write_text(Path(named["test"]).read_text().replace("title", "subject"))
    with pytest.raises(ValueError, match="names in training, 'label', 'title', 'text'"):
        run_cell(replace(cell, train=named["train"], test=str(unknown)))


def test_cell_with_nested_estimator_is_json(cell):
    settings = TINY | {"augmenter": Doubled()}
    result = run_cell(replace(cell, model="wordcnn-small-lookup-th", settings=settings))
    assert "augmenter" in result["params"]
    json.dumps({name: result[name] for name in result if name != "cell"})


class Doubled:
    """Augmenter that repeats each text."""

    def augment(self, texts, *, seed, epoch):
        return [f"{text} {text}" for text in texts]


def test_cell_of_network_has_history_and_counts(cell):
    result = run_cell(replace(cell, model="charcnn-small", settings=TINY, seed=3))
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert result["params"]["random_state"] == 3
    assert result["gpu_peak_mib"] is None  # it is of the GPU only
    assert result["selection"] == []
    # 70 rows, 2 classes, one frame: the count of 34 frames less 33 of the first dense,
    # and the parameters of six normalizations and of the layer of windows.
    extra = 6 * 2 * 256 + 257 * 2
    assert result["n_parameters"] == 11_337_730 - 33 * 256 * 1024 + extra
    again = run_cell(replace(cell, model="charcnn-small", settings=TINY, seed=3))
    assert again["wrong"] == result["wrong"]


def test_cell_of_ensemble_counts_all_members(cell):
    """The seed reaches the network; the parameters are those of all members."""
    settings = {"han__max_epochs": 2, "han__batch_size": 4}
    result = run_cell(replace(cell, model="ensemble", settings=settings, seed=3))
    assert result["error"] == 0.0
    train, _ = load(cell)
    members = [make_tfidf_classifier(), make_nb_ngram_classifier()]
    linear = [member.fit(train.data, train.target)[-1] for member in members]
    network = HANClassifier(pooling="max", max_epochs=1).fit(train.data, train.target)
    weights = network.net_.module_.parameters()
    assert result["n_parameters"] == (
        sum(member.coef_.size + member.intercept_.size for member in linear)
        + sum(weight.numel() for weight in weights)
    )
    seed = result["params"]["han__random_state"]
    assert (seed, result["history"]) == (3, None)


def test_selection_ignores_test_set(cell, tmp_path):
    flipped = write_csv(tmp_path / "flipped.csv", 20, flip=True)
    normal, swapped = run_cell(cell), run_cell(replace(cell, test=flipped))
    assert normal["selection"] == swapped["selection"]
    assert (normal["error"], swapped["error"]) == (0.0, 100.0)


def test_sample_is_named_in_table(cell):
    result = run_cell(replace(cell, sample=20))
    assert (result["n_train"], result["n_train_available"]) == (20, 60)
    text = " ".join(tables.render({"mine": [result]}).split())
    assert "mine: 60 training texts" in text
    assert "trained on a sample of 20 texts" in text


def test_test_sample_is_named_in_table(cell):
    """It is the same for all seeds, and marked like a sample of training texts."""
    whole, drawn, other = (
        run_cell(replace(cell, model="charcnn-small", settings=TINY, **options))
        for options in ({}, {"test_sample": 10}, {"test_sample": 10, "seed": 1})
    )
    assert (drawn["n_test"], drawn["n_test_available"]) == (10, 20)
    classes = [np.sum(each["confusion"], axis=1).tolist() for each in (drawn, other)]
    assert classes == [[5, 5], [5, 5]]
    paths = {replace(cell, test_sample=size).path("") for size in (None, 10, 20)}
    assert len(paths) == 3
    text = " ".join(tables.render({"mine": [drawn, whole]}).split())
    assert "mine: 60 training texts, 20 test texts" in text
    assert text.count("tested on a sample of 10 texts") == 1
    _, *rows = tables.make_overview({"ag_news": [drawn]})
    assert dict(rows)["Sm. Conv."].endswith("\N{DOUBLE DAGGER}")


@pytest.fixture
def subset(tmp_path):
    """A cell of two files that are split into training and test texts."""
    files = []
    for index in range(2):
        rows = [f'"{i % 3 + 1}","title{index}","text {i}"\n' for i in range(90)]
        rows.append('"1","text 0","title0"\n')  # words of another row
        files.append(tmp_path / f"part{index}.csv")
        files[-1].write_text("".join(rows))
    return Cell(data="mine", model="bow", train=tuple(map(str, files)), held_out=30)


def test_held_out_texts_are_stratified_and_disjoint(subset):
    """A text is in one part only, in either order of its fields."""
    train, test = load(subset)
    assert (len(train.data), len(test.data)) == (150, 30)
    assert np.bincount(test.target).tolist() == [10, 10, 10]
    words = [frozenset(text.split()) for text in train.data + test.data]
    assert len(set(words)) == len(words)


def test_held_out_texts_are_the_same_for_all_models(subset):
    """Neither the seed nor the order of fields changes the split."""
    parts = load(subset)
    others = load(replace(subset, model="charcnn-small", seed=5, sample=20))
    for part, other in zip(parts, others, strict=True):
        assert part.target.tolist() == other.target.tolist()
        pairs = zip(part.data, other.data, strict=True)
        assert all(sorted(a.split()) == sorted(b.split()) for a, b in pairs)
    assert parts[0].data[0].startswith("title")
    assert others[0].data[0].startswith("text")


def test_cell_of_held_out_texts_states_the_split(subset):
    result = run_cell(subset)
    assert result["cell"]["train"] == ["part0.csv", "part1.csv"]
    assert result["cell"]["held_out"] == 30
    assert result["cell"]["split_seed"] == 0
    assert (result["n_train"], result["n_test"]) == (150, 30)
    json.dumps(result)
    heading = tables.heading_of("mine", [result])
    split = "A split of a subset, 30 test texts, stratified, drawn with seed 0."
    assert split in heading


def test_run_rejects_other_split_of_same_name(subset, tmp_path):
    write_json(subset.path(tmp_path / "out"), run_cell(subset))
    with pytest.raises(SystemExit, match=r"30 held out of part0\.csv, part1"):
        run_cells([replace(subset, held_out=33)], tmp_path / "out")


def test_parse_of_files_to_split():
    files = ["--train", "a.csv", "b.csv", "--name", "mine", "--models", "bow"]
    (cell,), _ = parse([*files, "--held-out", "20"])
    assert (cell.train, cell.test, cell.held_out) == (("a.csv", "b.csv"), None, 20)
    (cell,), _ = parse([*files, "--test", "c.csv"])
    assert (cell.train, cell.test, cell.held_out) == (("a.csv", "b.csv"), "c.csv", None)


def test_run_skips_done_and_drops_failed_cells(cell, tmp_path, capsys):
    broken = replace(cell, model="charcnn-small", settings={"max_length": 100})
    assert run_cells([cell, broken], tmp_path / "out") == ([broken], [])
    written = list((tmp_path / "out").rglob("*"))
    assert [path.name for path in written if path.is_file()] == ["bow_seed=0.json"]
    before = written[-1].stat().st_mtime_ns
    capsys.readouterr()
    assert run_cells([cell], tmp_path / "out") == ([], [])
    assert "1 of 1 cells were done before" in capsys.readouterr().err
    assert written[-1].stat().st_mtime_ns == before


def test_cost_is_of_all_trainings(cell):
    """The recorded seconds, which it is compared with, include the selection."""
    given = replace(cell, settings={"logisticregression__C": 1.0})
    for each, n_trials in ((cell, 8), (given, 0)):
        assert len(run_cell(each)["selection"]) == n_trials
        assert expected_cost(each) == pytest.approx((1 + n_trials) * ROWS["bow"].cost)
    network = replace(cell, model="han-max")
    assert expected_cost(network) == ROWS["han-max"].cost


def test_selection_counts_in_order_of_cells(cell, tmp_path, capsys):
    """A model without selection runs before one that is trained nine times."""
    once = replace(cell, model="tfidf-online")
    assert ROWS["bow"].cost < ROWS["tfidf-online"].cost
    assert run_cells([cell, once], tmp_path / "out") == ([], [])
    printed = capsys.readouterr().err
    assert printed.index("tfidf-online_seed=0") < printed.index("bow_seed=0")


def test_budget_runs_quick_cells_first(cell, tmp_path, capsys, monkeypatch):
    """Cells without time are named in the output."""
    # No machine has time for it, however fast, and each has time for the other.
    endless = replace(ROWS["charcnn-large"], cost=1e9)
    monkeypatch.setitem(ROWS, "charcnn-large", endless)
    slow = replace(cell, model="charcnn-large")
    quick = replace(cell, settings={"logisticregression__C": 1.0})
    failed, left = run_cells([slow, quick], tmp_path / "out", budget=600)
    assert (failed, left) == ([], [slow])
    printed = capsys.readouterr().err
    assert printed.index("bow") < printed.index(
        "left for lack of time: charcnn-large_seed=0"
    )
    assert [path.name for path in (tmp_path / "out/mine").iterdir()] == [
        "bow_logisticregression__C=1.0_seed=0.json"
    ]


def test_budget_stops_running_cell(cell, tmp_path, capsys):
    endless = replace(
        cell, model="charcnn-small", settings=TINY | {"max_epochs": 100_000}
    )
    assert run_cells([endless], tmp_path / "out", budget=6) == ([], [endless])
    assert "seed=0: it was stopped at the end of the time" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_run_rejects_other_data_of_same_name(cell, tmp_path):
    run_cells([cell], tmp_path / "out")
    other = replace(cell, train=write_csv(tmp_path / "other.csv", 60))
    message = r"is of train\.csv and test\.csv, not of other\.csv and test\.csv"
    with pytest.raises(SystemExit, match=message):
        run_cells([other], tmp_path / "out")


def test_cell_when_test_file_lacks_a_class(cell, tmp_path):
    lines = Path(cell.test).read_text().splitlines(keepends=True)
    Path(cell.test).write_text("".join(line for line in lines if line[1] == "1"))
    assert run_cell(cell)["error"] == 0.0


def test_interrupted_training_gives_no_cell(cell, monkeypatch):
    def interrupt(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cells_module._Progress, "on_batch_begin", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_cell(replace(cell, model="charcnn-small", settings=TINY))


def test_rate_counts_texts_seen(cell):
    settings = TINY | {"recipe": "paper", "epoch_size": 3}
    result = run_cell(replace(cell, model="charcnn-small", settings=settings))
    assert result["n_seen"] == 2 * 3 * 8


def test_rows_share_vectors_of_word2vec(cell, tmp_path):
    """Vectors are trained once, and each result is that of a row on its own."""
    pytest.importorskip("gensim", reason="pip install 'sktextconv[vectors]'")
    folder = tmp_path / "vectors"
    settings = {"max_epochs": 1, "batch_size": 8}
    for model, seed in (("kim-static", 0), ("kim-non-static", 0), ("kim-static", 1)):
        row = replace(cell, model=model, seed=seed, settings=settings)
        alone, shared = run_cell(row), run_cell(row, folder)
        for key in ("wrong", "params"):
            assert shared[key] == alone[key]
        losses = [r["history"][0]["train_loss"] for r in (alone, shared)]
        assert losses[0] == losses[1]
        # The newest is that of this seed.
        record = max(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        assert shared["train_seconds"] > json.loads(record.read_text())["wall"]
    assert len(list(folder.glob("*.bin"))) == 2  # one for each seed
    run_cell(cell, folder)  # of a row without vectors
    assert len(list(folder.glob("*.bin"))) == 2


def test_given_penalty_is_not_selected(cell):
    result = run_cell(replace(cell, settings={"logisticregression__C": 0.5}))
    assert result["selection"] == []
    assert result["params"]["C"] == 0.5


def test_seed_reaches_every_step(cell):
    """Cells of pipelines and augmenters can be repeated: every step has the seed."""
    for model in ("bag-of-means", "wordcnn-small-lookup-th", "vw-bigram"):
        estimator, _ = _make_estimator(replace(cell, model=model, seed=7))
        params = estimator.get_params()
        seeds = {name: params[name] for name in params if "random_state" in name}
        assert set(seeds.values()) == {7}
    assert len(seeds) == 1


def test_settings_apply_where_known(capsys):
    cells, _ = parse(
        ["--data", "imdb", "--models", "bow", "charcnn-small", "--set", "max_epochs=3"]
    )
    assert [cell.settings for cell in cells] == [{}, {"max_epochs": 3}]
    with pytest.raises(SystemExit):
        parse(["--data", "imdb", "--models", "bow", "--set", "max_epochs=3"])
    assert "has a parameter 'max_epochs'" in capsys.readouterr().err


def test_fasttext_cell(cell):
    pytest.importorskip("fasttext", reason="pip install 'sktextconv[peers]'")
    result = run_cell(replace(cell, model="fasttext-bigram", settings={"epochs": 50}))
    assert result["error"] == 0.0
    assert set(result["selection"][0]["params"]) == {"learning_rate"}
    n_words = len({"fine", "dull", "film", "plot", "cast", "end", "</s>"})
    assert result["n_parameters"] == 10 * (n_words + 10_000_000) + 10 * 2


def test_vowpal_wabbit_cell(cell):
    pytest.importorskip("vowpalwabbit", reason="pip install 'sktextconv[peers]'")
    settings = {"passes": 20, "bits": 10}
    result = run_cell(replace(cell, model="vw-bigram", settings=settings))
    assert result["error"] == 0.0
    assert result["selection"] == []
    assert result["n_parameters"] == 2 * 2**10


def test_fasttext_cleans_text_as_its_script():
    text = 'Say "no" (twice)!<br />It\'s; over: A, B.\nEnd?'
    assert _one_line(text) == "say no ( twice ) ! it ' s over a , b . end ?"


def test_parse_names_cells():
    cells, _ = parse(
        [
            "--data",
            "imdb",
            "--models",
            "bow",
            "charcnn-small",
            "--seeds",
            "0",
            "1",
            "--set",
            "max_epochs=3",
            "alphabet=full",
            "--sample",
            "50",
            "--test-sample",
            "9",
        ]
    )
    assert [str(cell.path(Path("out"))) for cell in cells][2:] == [
        "out/imdb/charcnn-small_alphabet=full_max_epochs=3_sample=50_test=9"
        f"_seed={seed}.json"
        for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--data imdb --train a.csv",
        "--train a.csv --test b.csv",
        "--train a.csv --name a",
        "--train a.csv --test b.csv --held-out 5 --name a",
        "--data imdb --held-out 5",
        "--models none",
        "--data ../imdb",
        "--data imdb --set alphabet=a/b",
    ],
)
def test_parse_rejects_unclear_arguments(arguments, capsys):
    with pytest.raises(SystemExit):
        parse(arguments.split())
    assert "error: " in capsys.readouterr().err
