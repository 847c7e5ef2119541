"""Latency of prediction: our own part, the network alone, and ONNX Runtime.

    python -m benchmarks.speed.latency                 # five minutes
    python -m benchmarks.speed.latency --rounds 2

On one thread, the same texts go in turn through `predict_proba`, through the network
alone on tensors that are ready, and through `OnnxClassifier`, so that each finds the
caches as the others left them. Times are CPU times, the medians over texts of the
medians over rounds. The texts are the first 250 characters of docstrings.
"""

import argparse
import functools
import importlib.metadata
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    OnnxClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
    export_onnx,
    load_docstrings,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from sktextconv.training._data import EncodedDataset

from .._record import RESULTS, cpu_seconds, describe_run, progress, write_json
from .._render import as_list_table, as_text
from .comparison import Line
from .timing import configured

__all__ = ["LINES", "RESULT", "as_rst", "measure_many", "measure_single", "table"]

RESULT = RESULTS / "latency.json"
_NETWORKS = {
    make.__name__.removesuffix("Classifier"): make
    for make in (
        CharCNNClassifier,
        VDCNNClassifier,
        WordCNNClassifier,
        KimCNNClassifier,
        RNNClassifier,
        HANClassifier,
    )
}
_PIPELINES = {"bag of words": make_bow_classifier, "n-grams": make_ngram_classifier}
_LENGTH = 250  # characters
_N_SINGLE, _N_TRAINING, _N_PIPELINE = 32, 64, 500
_ROUNDS = 5
_LIMIT = 0.3  # goal: milliseconds of our own part
_NAIVE_BAYES_LIMIT = 1.0  # goal: milliseconds in all


def _load_texts():
    data = load_docstrings(subset="train")
    return [text[:_LENGTH] for text in data.data], data.target


def network_alone(classifier, texts):
    """Return a function that computes the logits of encoded texts, in one batch."""
    net = classifier.net_
    dataset = EncodedDataset(classifier.encoder_.encode(texts), net.device)
    batches = [
        (dataset.ids(rows), dataset.lengths(rows))
        for rows in dataset.by_length().split(classifier._batch_size())
    ]

    @torch.inference_mode()
    def run():
        for batch in batches:
            net.infer(batch)

    return run


def milliseconds(variants, *, rounds, warm_up=True):
    """Run callables in turn; return the CPU milliseconds of each, for each round."""
    measured = {name: [] for name in variants}
    for number in range(rounds + warm_up):
        for name, run in variants.items():
            start = cpu_seconds()
            run()
            if number >= warm_up:
                measured[name].append(1e3 * (cpu_seconds() - start))
    return measured


def _sides(classifier, onnx, texts):
    """Return a callable of each side that predicts `texts`."""
    found = {"ours": lambda: classifier.predict_proba(texts)}
    if hasattr(classifier, "net_"):
        found["network"] = network_alone(classifier, texts)
    if onnx is not None:
        found["ONNX"] = lambda: onnx.predict_proba(texts)
    return found


def measure_single(classifier, texts, *, rounds, onnx=None):
    """Return the milliseconds of one text.

    Parameters
    ----------
    classifier : classifier
        Fitted.
    texts : list of str
        Texts that are predicted one by one.
    rounds : int
    onnx : OnnxClassifier or None, default=None
        The same network.

    Returns
    -------
    row : dict of str to float
        Medians by side, "own part" the difference of "ours" and "network".
    """
    singles = []
    for text in texts:
        measured = milliseconds(_sides(classifier, onnx, [text]), rounds=rounds)
        singles.append({side: np.array(values) for side, values in measured.items()})
        if "network" in measured:
            own = singles[-1]["ours"] - singles[-1]["network"]
            singles[-1]["own part"] = own
    row = {}
    for side in singles[0]:
        medians = [np.median(single[side]) for single in singles]
        row[f"one text, {side}"] = float(statistics.median(medians))
    return row


def measure_many(classifier, texts, *, onnx=None):
    """Return the milliseconds of a text among many that are predicted together."""
    sides = _sides(classifier, onnx, texts)
    measured = milliseconds(sides, rounds=1, warm_up=False)
    return {
        f"many texts, {side}": value / len(texts) for side, (value,) in measured.items()
    }


def measure_warm(classifier, text, *, n_calls=100):
    """Return the milliseconds of a call that looks up the logits of the network.

    Without the network between two calls, our own code stays in the caches.
    """
    net = classifier.net_
    stored = {}
    infer = net.infer

    def look_up(batch):
        if not stored:
            stored["logits"] = infer(batch)
        return stored["logits"]

    net.infer = look_up
    try:
        call = {"ours": lambda: classifier.predict_proba([text])}
        return statistics.median(milliseconds(call, rounds=n_calls)["ours"])
    finally:
        del net.infer


def measure_line(name, data):
    """Measure our own part of the prediction of one text; `data` is not read."""
    texts, target = _load_texts()
    classifier = configured(_NETWORKS[name]())
    classifier.fit(texts[:_N_TRAINING], target[:_N_TRAINING])
    row = measure_single(classifier, texts[-_N_SINGLE:], rounds=_ROUNDS)
    row["one text, own part in the caches"] = measure_warm(classifier, texts[-1])
    return Line(
        f"own part of the prediction of one text, {name}, ms",
        row["one text, own part"],
        None,
        "",
        None,
        None,
        "the network alone is subtracted",
        row,
        limit=_LIMIT,
    )


def measure_naive_bayes(data):
    """Measure the prediction of one text by naive Bayes fitted to all reviews."""
    texts, y = data["long"]
    classifier = make_nb_ngram_classifier().fit(texts, y)
    singles = [text[:_LENGTH] for text in texts[:_N_SINGLE]]
    row = measure_single(classifier, singles, rounds=_ROUNDS)
    return Line(
        "prediction of one text, naive Bayes, ms",
        row["one text, ours"],
        None,
        "",
        None,
        None,
        "",
        row,
        limit=_NAIVE_BAYES_LIMIT,
    )


LINES = {
    f"latency-{name.lower()}": functools.partial(measure_line, name)
    for name in _NETWORKS
} | {"latency-nb": measure_naive_bayes}


def table(result):
    """Return the rows as cells, header first."""
    columns = {
        "One text": "one text, ours",
        "network": "one text, network",
        "own part": "one text, own part",
        "ONNX": "one text, ONNX",
        f"A text of {result['many']:,}": "many texts, ours",
        "network alone": "many texts, network",
        "ONNX Runtime": "many texts, ONNX",
    }
    cells = [("Milliseconds", *columns)]
    for row in result["rows"]:
        figures = (row.get(key) for key in columns.values())
        cells.append(
            (row["model"], *("" if f is None else f"{f:.2f}" for f in figures))
        )
    return cells


def as_rst(result):
    """Return the table and the machine as reStructuredText."""
    versions = result["versions"]
    return (
        f"{as_list_table(table(result))}\n{result['machine']['cpu']}, one thread, "
        f"torch {versions['torch']}, onnxruntime {versions['onnxruntime']}.\n"
    )


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.latency",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--rounds", type=int, default=_ROUNDS, help="rounds of each text")
    add("--many", type=int, default=1_024, help="texts in one call")
    add("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, target = _load_texts()
    singles, many = texts[-_N_SINGLE:], texts[-options.many :]
    about = describe_run(1, None)
    about["versions"]["onnxruntime"] = importlib.metadata.version("onnxruntime")
    result = {"rows": [], "many": options.many, **about}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in _NETWORKS.items():
            progress(name)
            classifier = configured(make())
            classifier.fit(texts[:_N_TRAINING], target[:_N_TRAINING])
            path = Path(folder) / f"{name}.onnx"
            export_onnx(classifier, path)
            onnx = OnnxClassifier(path, n_jobs=1)
            row = measure_single(
                classifier, singles, rounds=options.rounds, onnx=onnx
            ) | measure_many(classifier, many, onnx=onnx)
            result["rows"].append({"model": name} | row)
            write_json(options.out, result)
        for name, make in _PIPELINES.items():
            progress(name)
            classifier = make().fit(texts[:_N_PIPELINE], target[:_N_PIPELINE])
            row = measure_single(classifier, singles, rounds=options.rounds)
            row |= measure_many(classifier, many)
            result["rows"].append({"model": name} | row)
            write_json(options.out, result)
    sys.stdout.write(as_text(table(result)) + "\n")


if __name__ == "__main__":
    main()
