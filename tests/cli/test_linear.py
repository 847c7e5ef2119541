"""Commands with linear models."""

import json

import numpy as np
import pytest

import sktextconv
from sktextconv import load
from sktextconv.cli._models import (
    DEFAULT_MODEL,
    LINEAR_MODELS,
    ONLINE_MODELS,
    make_model,
)
from sktextconv.comparison._rows import ROWS
from sktextconv.persistence._load import load_model
from sktextconv.serving import create_app

from ..classifiers import ONLINE, PIPELINES
from ..serving.clients import Client, predict
from ..test_imports import modules_after
from .films import BAD, GOOD

# Linear models that need no further package, with fewer words for speed.
QUICK = sorted((LINEAR_MODELS | ONLINE_MODELS).keys() - {"bag-of-means"})
each_kind = pytest.mark.parametrize("linear", ["tfidf", "tfidf-online"], indirect=True)


def test_linear_models_are_rows_of_comparisons():
    """A name of `train` makes the same pipeline as the row of that name."""
    for name in LINEAR_MODELS:
        row = ROWS[name].make()
        if name == "bag-of-means":
            row.set_params(bagofmeansvectorizer__random_state=0)
        assert repr(make_model(name, {}, seed=0)) == repr(row)


def test_linear_models_are_those_of_the_package():
    assert LINEAR_MODELS.keys() == PIPELINES.keys()
    for name, pipeline in PIPELINES.items():
        made = make_model(name, {}, seed=0)
        assert list(made.named_steps) == list(pipeline.named_steps)
    assert {name for name, _ in LINEAR_MODELS.values()} == {
        name for name in sktextconv.__all__ if name.startswith("make_")
    }
    assert ONLINE_MODELS.keys() == ONLINE.keys()
    for name, model in ONLINE.items():
        assert type(make_model(name, {}, seed=0)) is type(model)


@pytest.mark.parametrize("name", QUICK)
def test_train_linear_model(run, folder, name):
    """A linear model is trained, saved, evaluated, and predicts from its file."""
    code, out, err = run(f"train films.csv --model {name} --out {name}.safetensors")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "films.csv: 40 texts of 2 classes: neg 20, pos 20"
    assert lines[1] == "36 to train on, 4 held out"
    assert lines[2].startswith("held-out error 0.00 % (95 % interval 0.00 to ")
    assert lines[3].startswith(f"saved {name}.safetensors (")
    assert lines[4].endswith(f": sktextconv predict {name}.safetensors NEW.csv")
    assert len(lines) == 5
    code, out, err = run(f"evaluate {name}.safetensors films.csv")
    assert (code, err) == (0, "")
    assert "\nerror 0.00 % (95 % interval" in out
    code, out, err = run(f"predict {name}.safetensors films.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == ["label", "pos", "neg"]


def test_train_without_model_trains_tfidf(folder, linear):
    assert DEFAULT_MODEL == "tfidf"
    pipeline = load(folder / linear)
    assert list(pipeline.named_steps) == list(PIPELINES["tfidf"].named_steps)
    assert pipeline.columns_ == {
        "n_columns": 2,
        "names": None,
        "label": 0,
        "texts": [1],
    }


def test_train_bag_of_means(run, folder):
    pytest.importorskip("gensim")
    options = "--set n_means=4 --set embedding_dim=8 --set min_count=1 --seed 3"
    code, _, err = run(f"train films.csv --model bag-of-means {options} --out means")
    assert (code, err) == (0, "")
    pipeline = load(folder / "means")
    assert pipeline[0].get_params()["n_means"] == 4
    assert pipeline[0].random_state == 3


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        ("tfidf", "C=3", {"probabilisticlinearsvc__C": 3}),
        ("tfidf", "C=auto", {"probabilisticlinearsvc__C": "auto"}),
        (
            "tfidf",
            "analyzer=char max_n=4",
            {"ngramvectorizer__analyzer": "char", "ngramvectorizer__max_n": 4}
            | {"ngramvectorizer__min_n": 2},
        ),
        ("tfidf", "cv=4", {"probabilisticlinearsvc__cv": 4}),
        ("tfidf", "tfidftransformer__norm=l1", {"tfidftransformer__norm": "l1"}),
        ("bow", "tfidf=true tol=0.1", {"countscaler__idf": True}),
        ("bow", "ngramvectorizer__lowercase=false", {"ngramvectorizer__lowercase": 0}),
        ("bow-tfidf", "max_features=9", {"countscaler__idf": True}),
        ("ngrams-nb", "alpha=2 max_n=2", {"naivebayessvc__alpha": 2}),
        (
            "tfidf-online --epochs 2 --seed 3",
            "alpha=1e-5",
            {"alpha": 1e-5, "max_epochs": 2, "random_state": 3},
        ),
    ],
)
def test_set_of_linear_model(run, folder, model, settings, expected):
    """Settings are those of the function, of the last step, or of a named step."""
    options = " ".join(f"--set {each}" for each in settings.split())
    assert run(f"train films.csv --model {model} {options} --out set --valid 0")[0] == 0
    found = load(folder / "set").get_params()
    assert {name: found[name] for name in expected} == expected


def test_seed_of_linear_model():
    """The seed is that of each step, unless a setting has one."""
    made = make_model("tfidf", {}, seed=7)
    assert made[-1].random_state == 7
    made = make_model("bag-of-means", {"random_state": 1}, seed=7)
    assert made[0].random_state == 1


INVALID = {
    "--set max_epochs=3": "--set: tfidf has no parameter 'max_epochs'; valid names: "
    "max_features, max_n, C,",
    "--set max_feature=3": "'max_feature'; did you mean 'max_features'?",
    "--model bow-tfidf --set tfidf=true": "bow-tfidf has no parameter 'tfidf'; ",
    "--set a__b=1": "tfidf has no parameter 'a__b'",
    "--set C=-1": "'C' parameter of ProbabilisticLinearSVC must be",
    "--set max_n=two": "'max_n' parameter of NGramVectorizer must be an int",
    "--set analyzer=byte": "'analyzer' parameter of NGramVectorizer must be",
    "--set tokenizer=split": "'tokenizer' parameter of NGramVectorizer",
    "--set min_n=9": "'min_n' parameter of NGramVectorizer must be at most 'max_n'",
    "--epochs 3": "--epochs: expected a model with it, got the linear model tfidf; "
    "leave out --epochs, or pass --model kimcnn or another network.",
    "--device cpu --model bow": "--device: expected a model with it, got the linear "
    "model bow; leave out --device",
    "--model tfidf-online --device cpu": "--device: expected a model with it, got "
    "the linear model tfidf-online; leave out --device",
    "--model tfidf-online --set max_epoch=2": "tfidf-online has no parameter "
    "'max_epoch'; did you mean 'max_epochs'?",
    "--model tfidf-online --set alpha=1": "'alpha' parameter of OnlineNGramClassifier",
    "--model tfidf-online --epochs 2 --set max_epochs=2": "expected --epochs or --set",
    "--model tfidf-online --search": "--search: expected a network or a linear model "
    "with C, got tfidf-online; leave out --search, and set parameters with --set.",
    "--model linear": "invalid choice: 'linear' (choose from",
}


@pytest.mark.parametrize("options", INVALID)
def test_invalid_option_of_linear_model(run, folder, options):
    code, _, err = run(f"train films.csv {options} --out invalid")
    assert (code, err.count("\n")) == (2, 1)
    assert INVALID[options] in err
    assert not (folder / "invalid").exists()


@each_kind
def test_predict_probabilities_of_linear_model(run, folder, linear, mixed):
    code, out, err = run(
        f"predict {linear} mixed.csv --probabilities --format jsonl --keep 0"
    )
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    found = [list(row["probabilities"].values()) for row in rows]
    texts = [GOOD] * 4 + [BAD] * 6
    expected = load(folder / linear).predict_proba(texts)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@each_kind
def test_explain_linear_model(run, linear):
    code, out, err = run(f"explain {linear} --target pos --text", "so good, too long")
    assert (code, err) == (0, "")
    assert out.startswith("pos, by occlusion: weights relative to the largest")
    assert "[good +" in out
    assert "[long -" in out


@pytest.mark.parametrize("method", ["gradient", "attention"])
def test_explain_linear_model_by_occlusion_only(run, linear, method):
    code, out, err = run(f"explain {linear} --method {method} --text", "so good")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "one of those for Pipeline, ['occlusion'], got" in err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "export linear --out linear.onnx",
            "linear: Expected a network, got a linear pipeline. Save it with "
            "sktextconv.save: prediction from that file needs no PyTorch.",
        ),
        (
            "predict linear films.csv --device cuda",
            "device='cpu' for a linear pipeline",
        ),
    ],
)
def test_error_of_linear_model(run, folder, linear, command, message):
    code, out, err = run(command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (folder / "linear.onnx").exists()


@each_kind
def test_linear_model_serves(folder, linear):
    classifier = load_model(folder / linear, device="cpu")
    with Client(create_app(classifier, max_characters=100)) as client:
        (answer,) = predict(client, GOOD).json()["predictions"]
        assert answer["label"] == "pos"
        assert answer["probabilities"] == classifier.predict_proba([GOOD])[0].tolist()


HEAVY = {"torch", "skorch", "gensim", "matplotlib", "nltk.tokenize"}


@pytest.mark.parametrize(
    "command",
    [
        "train films.csv --out again",
        "train films.csv --model tfidf-online --out again",
        "evaluate linear films.csv",
        "predict linear films.csv",
        "explain linear --text so",
    ],
)
def test_linear_commands_import_no_torch(folder, linear, monkeypatch, command):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(sktextconv.__path__[0] + "/.."))
    assert not modules_after(*command.split()) & HEAVY


@each_kind
def test_serving_linear_model_imports_no_torch(folder, linear, monkeypatch):
    """The application of a linear model predicts and explains without torch."""
    monkeypatch.setenv("PYTHONPATH", str(sktextconv.__path__[0] + "/.."))
    before = (
        "from sktextconv.serving import create_app; from sktextconv import load; "
        "from sktextconv.serving.page import explain_text; "
        f"model = load({str(folder / linear)!r}); create_app(model); "
        "explain_text(model, 'so good', model.predict_proba(['so good'])[0]); "
        "assert not {'torch', 'skorch'} & set(sys.modules)"
    )
    assert modules_after("--version", before=before) is not None
