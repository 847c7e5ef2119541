"""A user's script, for type checkers: six planted errors, and no other.

`pyright` and `mypy` report an error that is not ignored here, and a comment that
ignores no error.
"""

from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from sktextconv import (
    Attribution,
    CharCNNClassifier,
    Comparison,
    ComparisonDisplay,
    HANClassifier,
    KimCNNClassifier,
    NGramVectorizer,
    OnnxClassifier,
    RNNClassifier,
    SynonymReplacer,
    TextStore,
    TextWeightsDisplay,
    TrainingCurveDisplay,
    VDCNNClassifier,
    compare,
    explain,
    export_onnx,
    load,
    load_docstrings,
    make_ngram_classifier,
    read_csv,
    save,
)
from sktextconv.encoding import CharEncoder, WordEncoder
from sktextconv.schedules import cyclical


def train(path: str) -> CharCNNClassifier:
    """Train on a CSV file; every kind of parameter is set once."""
    data = read_csv(path, label_column="stars", text_columns=["title"], header=True)
    X, X_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
    network = CharCNNClassifier(
        size="small",
        max_length=312,
        lowercase="auto",
        recipe="modern",
        max_epochs=3,
        learning_rate=1e-3,
        augmenter=SynonymReplacer(p=0.3),
        class_weight="balanced",
        early_stopping=True,
        random_state=np.random.RandomState(0),
    )
    network.fit(X, y, sample_weight=np.ones(len(X)))
    probabilities: np.ndarray = network.predict_proba(X_test)
    print(probabilities.shape, network.score(X_test, y_test), network.classes_)
    return network.partial_fit(X, y)


def report() -> Comparison:
    """Compare models, and draw and write the result."""
    docs = load_docstrings()
    models = ["fast", ("mine", KimCNNClassifier(max_epochs=3))]
    comparison = compare(docs.data, docs.target, models=models, noise=[0.05])
    ComparisonDisplay.from_comparison(comparison, kind="noise")
    comparison.plot().figure_.savefig("comparison.png")
    gain = comparison.learning_gain()
    print(gain.p_value if gain else comparison.results[0].error.low)
    comparison.write("report")
    return comparison


def search() -> dict[str, object]:
    """Search an architecture, beside a linear model."""
    docs = load_docstrings()
    networks = [
        KimCNNClassifier(widths=(2, 3), vectors="word2vec", max_norm=None),
        RNNClassifier(cell="gru", recipe="adam", schedule=cyclical),
        VDCNNClassifier(depth=17, pooling="kmax", precision="bfloat16"),
        HANClassifier(pooling="attention", checkpoint="han.ckpt", resume=True),
    ]
    search = GridSearchCV(networks[0], {"n_filters": [50, 100]})
    search.fit(docs.data, docs.target)
    linear: Pipeline = make_ngram_classifier(max_features=10_000, tfidf=True)
    counts = NGramVectorizer(max_n=2).fit_transform(docs.data)
    print(counts.shape, len(WordEncoder(max_tokens=100).fit(docs.data).words))
    print(CharEncoder("code", max_length=100).transform(docs.data).ids)
    return {"search": search, "linear": linear.fit(docs.data, docs.target)}


def store_files(paths: list[Path], path: str) -> TextStore:
    """Write files to a store, and concatenate parts of stores."""
    parts = TextStore.from_csv(paths, path, label_column="stars", n_jobs=2)
    store: TextStore = TextStore.concat([parts.data[:1_000], TextStore(path)])
    print(store.paths[0].name, store[0].upper())
    return store


def ship(network: CharCNNClassifier, store: TextStore) -> Attribution:
    """Save, export, load and explain."""
    save(make_ngram_classifier().fit(["so", "no"], [1, 0]), "linear.safetensors")
    load("linear.safetensors").set_params(verbose=True)
    save(network, "model.safetensors")
    export_onnx(network, "model.onnx")
    labels: np.ndarray = OnnxClassifier("model.onnx").predict(store)
    print(labels[0], load("model.safetensors").predict_proba(["one text"]).max())
    TrainingCurveDisplay.from_estimator(network)
    attribution = explain(network, "one text", method="gradient")
    TextWeightsDisplay.from_attribution(attribution)
    return attribution


def make_mistakes(network: CharCNNClassifier) -> None:
    """Make the six planted errors.

    mypy does not know scikit-learn, so it takes any attribute of an estimator, and
    anything as a pipeline.
    """
    CharCNNClassifier(
        max_epochs="six"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    HANClassifier(
        pooling="median"  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    RNNClassifier(
        epochs=3  # pyright: ignore[reportCallIssue]
    )
    network.predict(
        5  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    save(
        "model.safetensors",  # pyright: ignore[reportArgumentType]
        "network",
    )
    print(
        load("model").predict_probability  # pyright: ignore[reportAttributeAccessIssue]
    )
