"""Error tables: cells, selection without the test set, rendering, the README."""

import json
import math
import re
import subprocess
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.pipeline import Pipeline

from benchmarks._record import RESULTS
from benchmarks._render import as_markdown
from benchmarks.accuracy import cell as cells_module
from benchmarks.accuracy import select, tables
from benchmarks.accuracy.cell import Cell, run_cell
from benchmarks.accuracy.fasttext import _one_line
from benchmarks.accuracy.models import ROWS
from benchmarks.accuracy.published import PUBLISHED, PUBLISHED_SIZES
from benchmarks.accuracy.run import parse, run_cells
from benchmarks.speed import cpu, serving
from sktextconv import KimCNNClassifier, export_onnx, load_docstrings
from sktextconv.base import BaseTextNetClassifier
from sktextconv.utils._param_validation import check_params

TINY = {"batch_size": 8, "max_epochs": 2, "max_length": 123}


def write_csv(path, n_rows, *, flip=False):
    """Write two classes that one word decides; `flip` swaps the labels."""
    rng = np.random.RandomState(0)
    lines = []
    for number in range(n_rows):
        label = number % 2
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


def with_(cell, **changes):
    return Cell(**{**cell.__dict__, **changes})


@pytest.mark.parametrize(
    ("dataset", "model", "error"),
    [
        ("ag_news", "Lg. Conv.", 12.82),
        ("amazon_polarity", "Lg. Conv. Th.", 4.93),
        ("sogou_news", "ngrams TFIDF", 2.81),
        ("yelp_full", "Sm. Full Conv. Th.", 37.95),
        ("yahoo_answers", "LSTM", 29.16),
    ],
)
def test_published_errors(dataset, model, error):
    assert PUBLISHED[dataset, model] == error


def test_published_rows_are_complete():
    """Every published row is a row of ours, and every data set has all of its rows."""
    zhang = {model for data, model in PUBLISHED if data == "amazon_full"}
    assert zhang <= {row.name for row in ROWS.values()}
    without_thesaurus = {model for model in zhang if "Th." not in model}
    assert {model for data, model in PUBLISHED if data == "sogou_news"} == (
        without_thesaurus
    )
    n_zhang = sum("VDCNN" not in name and "fastText" not in name for name in zhang)
    assert (n_zhang, len(zhang)) == (22, 22 + 9 + 2)
    assert PUBLISHED_SIZES["ag_news"] == (120_000, 7_600)


@pytest.mark.parametrize("key", ROWS)
def test_row_makes_valid_new_estimator(key):
    estimator, other = ROWS[key].make(), ROWS[key].make()
    assert estimator is not other
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(last, BaseTextNetClassifier):
        check_params(last)
    assert set(ROWS[key].grid) <= last.get_params().keys()
    assert (last.get_params().get("augmenter") is not None) == key.endswith("-th")


def test_row_parameter_counts():
    """Counts of the papers or their code, without word vectors, for two classes."""

    def size_of(model):
        classifier = ROWS[model].make()
        with torch.device("meta"):
            network = classifier._make_network(10_002, 2)
        return sum(
            weight.numel()
            for name, weight in network.named_parameters()
            if not name.startswith(("embedding", "tuned", "static"))
        )

    assert size_of("charcnn-small") > 0
    # One logit more than the single output of the Keras examples, and torch's second
    # vector of biases: 32 x 32 + 32 x 32 + 2 x 32, four times as many for an LSTM.
    assert size_of("keras-rnn") == 2_112 + 66
    assert size_of("keras-lstm") == 8_448 + 66
    assert size_of("keras-bilstm") == 99_328 + 258
    assert size_of("lstm") == 1_667_072 + 2 * 513
    assert size_of("kim-rand") == 360_902
    assert size_of("han-attention") == 141_802


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
    assert result["cell"]["train"] == "train.csv"  # no path of the machine
    json.dumps(result)


@pytest.mark.parametrize("model", ["ngrams-nb", "wordcnn-small-lookup-th"])
def test_cell_with_nested_estimators_is_json(cell, model):
    settings = {"wordcnn-small-lookup-th": TINY | {"augmenter": Doubled()}}
    result = run_cell(with_(cell, model=model, settings=settings.get(model, {})))
    assert result["params"].keys() & {"augmenter", "estimator"}
    json.dumps({name: result[name] for name in result if name != "cell"})


class Doubled:
    def augment(self, texts, *, seed, epoch):
        return [f"{text} {text}" for text in texts]


def test_cell_of_network_has_history_and_counts(cell):
    result = run_cell(with_(cell, model="charcnn-small", settings=TINY, seed=3))
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert result["params"]["random_state"] == 3
    assert result["selection"] == []
    # 70 rows, 2 classes, one frame: the count of 34 frames less 33 of the first dense.
    assert result["n_parameters"] == 11_337_730 - 33 * 256 * 1024
    again = run_cell(with_(cell, model="charcnn-small", settings=TINY, seed=3))
    assert again["wrong"] == result["wrong"]


def test_selection_ignores_test_set(cell, tmp_path):
    flipped = write_csv(tmp_path / "flipped.csv", 20, flip=True)
    honest, poisoned = run_cell(cell), run_cell(with_(cell, test=flipped))
    assert honest["selection"] == poisoned["selection"]
    assert (honest["error"], poisoned["error"]) == (0.0, 100.0)


def test_sample_is_named_in_heading(cell):
    result = run_cell(with_(cell, sample=20))
    assert (result["n_train"], result["n_train_available"]) == (20, 60)
    text = tables.render({("mine", 20): [result]})
    assert "A stratified sample of the 60 training texts." in " ".join(text.split())


def test_run_skips_done_and_drops_failed_cells(cell, tmp_path, capsys):
    broken = with_(cell, model="charcnn-small", settings={"max_length": 100})
    assert run_cells([cell, broken], tmp_path / "out") == ([broken], [])
    written = list((tmp_path / "out").rglob("*"))
    assert [path.name for path in written if path.is_file()] == ["bow_seed=0.json"]
    before = written[-1].stat().st_mtime_ns
    capsys.readouterr()
    assert run_cells([cell], tmp_path / "out") == ([], [])
    assert "1 cells, 1 of them done before" in capsys.readouterr().err
    assert written[-1].stat().st_mtime_ns == before


def test_budget_runs_quick_cells_first(cell, tmp_path, capsys):
    """Cells without time are named in the output."""
    slow = with_(cell, model="charcnn-large")
    quick = with_(cell, settings={"logisticregression__C": 1.0})
    failed, left = run_cells([slow, quick], tmp_path / "out", budget=25)
    assert (failed, left) == ([], [slow])
    printed = capsys.readouterr().err
    assert printed.index("bow") < printed.index(
        "left for lack of time: charcnn-large_seed=0"
    )
    assert [path.name for path in (tmp_path / "out/mine").iterdir()] == [
        "bow_logisticregression__C=1.0_seed=0.json"
    ]


def test_budget_stops_running_cell(cell, tmp_path, capsys):
    endless = with_(
        cell, model="charcnn-small", settings=TINY | {"max_epochs": 100_000}
    )
    assert run_cells([endless], tmp_path / "out", budget=6) == ([], [endless])
    assert "stopped: the budget is used up" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_run_rejects_other_data_of_same_name(cell, tmp_path):
    run_cells([cell], tmp_path / "out")
    other = with_(cell, train=write_csv(tmp_path / "other.csv", 60))
    with pytest.raises(SystemExit, match=r"is of train\.csv, not of other\.csv"):
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
        run_cell(with_(cell, model="charcnn-small", settings=TINY))


def test_rate_counts_texts_seen(cell):
    settings = TINY | {"recipe": "paper", "epoch_size": 3}
    result = run_cell(with_(cell, model="charcnn-small", settings=settings))
    assert result["n_seen"] == 2 * 3 * 8


def test_given_penalty_is_not_selected(cell):
    result = run_cell(with_(cell, settings={"logisticregression__C": 0.5}))
    assert result["selection"] == []
    assert result["params"]["C"] == 0.5


def test_settings_apply_where_known(capsys):
    cells, _ = parse(
        ["--data", "imdb", "--models", "bow", "charcnn-small", "--set", "max_epochs=3"]
    )
    assert [cell.settings for cell in cells] == [{}, {"max_epochs": 3}]
    with pytest.raises(SystemExit):
        parse(["--data", "imdb", "--models", "bow", "--set", "max_epochs=3"])
    assert "has a parameter 'max_epochs'" in capsys.readouterr().err


def test_compare_saves_runs_once(tmp_path, monkeypatch):
    """The test set is not read."""
    docstrings = load_docstrings(subset="train")
    refused = types.SimpleNamespace()  # has neither texts nor labels
    monkeypatch.setattr(select, "load", lambda cell: (docstrings, refused))
    how = {"n_train": 60, "n_valid": 40, "threads": 1, "folder": tmp_path}
    tiny = {"max_epochs": 1, "embedding_dim": 8}
    first = select.compare("kim-rand", "docstrings", settings=[tiny], seeds=[0], **how)
    settings = [tiny, tiny | {"dropout": 0.0}]
    runs = select.compare(
        "kim-rand", "docstrings", settings=settings, seeds=[0, 1], **how
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


def test_fasttext_cell(cell):
    pytest.importorskip("fasttext", reason="pip install 'sktextconv[peers]'")
    result = run_cell(with_(cell, model="fasttext-bigram", settings={"epochs": 50}))
    assert result["error"] == 0.0
    assert set(result["selection"][0]["params"]) == {"learning_rate"}
    n_words = len({"fine", "dull", "film", "plot", "cast", "end", "</s>"})
    assert result["n_parameters"] == 10 * (n_words + 10_000_000) + 10 * 2


def test_fasttext_cleans_text_as_its_script():
    text = 'Say "no" (twice)!<br />It\'s; over: A, B.\nEnd?'
    assert _one_line(text) == "say no ( twice ) ! it ' s over a , b . end ?"


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
        "train_seconds": 1234.5,
        "train_texts_per_second": 98765.4,
        "predict_texts_per_second": 123456.7,
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
        ]
    )
    assert [str(cell.path(Path("out"))) for cell in cells][2:] == [
        f"out/imdb/charcnn-small_alphabet=full_max_epochs=3_sample=50_seed={seed}.json"
        for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--data imdb --train a.csv",
        "--train a.csv --test b.csv",
        "--models none",
        "--data ../imdb",
        "--data imdb --set alphabet=a/b",
    ],
)
def test_parse_rejects_unclear_arguments(arguments, capsys):
    with pytest.raises(SystemExit):
        parse(arguments.split())
    assert "error: " in capsys.readouterr().err


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


def test_readme_lines_reject_two_results_per_row():
    results = [fake(), fake()]
    results[1]["cell"] = results[1]["cell"] | {"settings": {"C": 1.0}}
    for result in results:
        result["cell"] = result["cell"] | {"model": "bow-tfidf"}
    with pytest.raises(ValueError, match="two results for 'BoW TFIDF'"):
        tables.readme_lines({("ag_news", None): results}, "ag_news")


def test_figure_shows_committed_results(committed):
    plot = pytest.importorskip("benchmarks.accuracy.plot")
    image = pytest.importorskip("PIL.Image")
    with image.open(plot.PATH) as figure:
        shown = json.loads(figure.info["Description"])
    for data in tables.README_DATA:
        expected = plot.points(committed, data)
        assert shown[data].keys() == expected.keys()
        for name, point in expected.items():
            assert shown[data][name] == pytest.approx(point)


def test_frontier_excludes_slower_and_worse_points():
    plot = pytest.importorskip("benchmarks.accuracy.plot")
    made = {"slow": (9, 4.0), "fast": (1, 5.0), "worse": (2, 6.0), "tied": (3, 5.0)}
    assert plot.frontier(made) == ["fast", "slow"]


def test_readme_links_exist():
    root = RESULTS.parents[1]
    links = re.findall(r"\]\(([^):]+)\)", (root / "README.md").read_text())
    assert links
    assert not [link for link in links if not (root / link).exists()]


def test_readme_shows_committed_speed():
    readme = (RESULTS.parents[1] / "README.md").read_text()
    shown = readme.partition("<!-- speed -->\n")[2].partition("<!-- end of speed")[0]
    result = json.loads(cpu.RESULT.read_text())
    assert len(cpu.README_LINES) == 5
    table = as_markdown(cpu.table(result, cpu.README_LINES))
    assert shown == f"{table}\n\n{cpu.describe(result)}\n"


def test_serving_with_and_without_batches(tmp_path):
    network = KimCNNClassifier(embedding_dim=4, n_filters=2, max_epochs=1)
    network.fit(["a fine film", "too long"] * 4, [1, 0] * 4)
    export_onnx(network, tmp_path / "model.onnx")
    files = {("KimCNN", "ONNX"): tmp_path / "model.onnx"}
    rows = serving.measure(files, ["so good", "bad"], seconds=0.1, rounds=1)
    assert [(row["connections"], row["predicted"]) for row in rows] == [
        (connections, way)
        for connections in (1, 8, 32)
        for way in ("together", "one by one")
    ]
    assert all(row["requests"] >= row["connections"] for row in rows)
    about = json.loads(serving.RESULT.read_text()) | {"rows": rows}
    assert serving.as_rst(about).count("KimCNN, ONNX") == 3


def test_committed_results_hold_no_path():
    for path in committed_results():
        text = path.read_text()
        cell = json.loads(text).get("cell")
        assert cell is None or cell["model"] in ROWS
        assert "/home" not in text
        assert "/root" not in text
