"""Speed and memory compared with plain implementations, in one run.

    python -m benchmarks.speed.cpu                        # all lines, on one CPU thread
    python -m benchmarks.speed.cpu --lines characters words
    python -m benchmarks.speed.cpu --short news.csv.xz    # where AG News has no loader

Each line runs both sides in turn, several times, and reports the median ratio. Times
are CPU times of the process, which other programs disturb less.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import nn
from torch.utils.data import TensorDataset

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
    make_ngram_classifier,
)
from sktextconv.encoding import ALPHABETS, PAD, CharEncoder, Ragged, WordEncoder
from sktextconv.encoding._tokenize import TOKEN_PATTERN
from sktextconv.feature_extraction import NGramVectorizer
from sktextconv.training import Recipe
from sktextconv.training._data import BatchLoader, EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import WeightedCrossEntropy, make_net

from .._record import RESULTS, describe_run, progress, write_json
from .._render import as_text
from .references import (
    OneHotTexts,
    PackedRNN,
    PaddedHAN,
    PlainCharCNN,
    encode_characters,
    encode_words,
    make_stock_net,
)
from .timing import (
    configured,
    fitter,
    head,
    in_fresh_process,
    load_data,
    peak_flops,
    rates,
    training_flops,
)

__all__ = [
    "LINES",
    "README_LINES",
    "RESULT",
    "Line",
    "describe",
    "table",
    "table_of_shares",
]

RESULT = RESULTS / "speed.json"
_BATCH = 128
_LOOPS = 500
_HELD_OUT = 5_000


@dataclass
class Line:
    """Result of one comparison.

    Attributes
    ----------
    name : str
    ours, theirs : float
        Medians, in `unit`.
    unit : str
    ratio : float
        Median over the rounds; above 1 means that ours is faster, whatever the unit.
    target : float or None
    against : str
        Description of the other side.
    notes : dict
        Further numbers.
    """

    name: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    target: float | None
    against: str
    notes: dict = field(default_factory=dict)


# -- comparing ---------------------------------------------------------------------


def compared(name, measured, unit, target, against, scale=1.0, **notes):
    """Return a line of the first two of `measured`; other ratios go to the notes."""
    (_, ours), (_, theirs), *others = measured.items()
    notes |= {f"{other} ratio": _ratio(values, theirs) for other, values in others}
    return Line(
        name,
        statistics.median(ours) * scale,
        statistics.median(theirs) * scale,
        unit,
        _ratio(ours, theirs),
        target,
        against,
        notes,
    )


def _ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


# -- the lines ---------------------------------------------------------------------


def characters(data):
    """Measure the encoding of characters to ids."""
    texts, encoder = data["short"][0] * 3, CharEncoder()
    n_bytes = sum(len(text.encode()) for text in texts)

    def ours():
        encoder.encode(texts)
        return n_bytes

    def theirs():
        encode_characters(texts, ALPHABETS["paper"], 1014)
        return n_bytes

    measured = rates({"ours": ours, "theirs": theirs})
    return compared(
        "characters to ids", measured, "MB/s", 20, "a dictionary in a loop", 1e-6
    )


def words(data):
    """Measure building a vocabulary and encoding words to ids."""
    texts = data["short"][0] * 3
    n_words = int(WordEncoder().fit(texts).encode(texts).offsets[-1])

    def ours():
        WordEncoder().fit(texts).encode(texts)
        return n_words

    def theirs():
        encode_words(texts, TOKEN_PATTERN, 50_000, 400)
        return n_words

    return compared(
        "words to vocabulary and ids",
        rates({"ours": ours, "theirs": theirs}),
        "million/s",
        3.5,
        "findall and Counter",
        1e-6,
    )


def training_of_charcnn(data, precision, target):
    """Measure training of the small character ConvNet on short texts."""
    texts, y = head(data["short"], 2 * _BATCH)
    network = fitter(CharCNNClassifier(precision=precision), texts, y)
    n_classes = len(np.unique(y))
    stock = make_stock_net(PlainCharCNN(70, n_classes), batch_size=_BATCH)
    one_hot = OneHotTexts(texts, y, ALPHABETS["paper"], 1014)

    def theirs():
        stock.partial_fit(one_hot, y)
        return len(texts)

    return compared(
        f"train CharCNN, {precision}",
        rates({"ours": network, "theirs": theirs}, rounds=3),
        "texts/s",
        target,
        "skorch, one-hot float32 from a DataLoader",
    )


def prediction_of_charcnn(data, precision, target):
    """Measure prediction with the small character ConvNet on short texts."""
    texts, y = head(data["short"], 4 * _BATCH)
    n_classes = len(np.unique(y))
    classifier = configured(CharCNNClassifier(precision=precision, epoch_size=1))
    classifier.fit(texts[:_BATCH], y[:_BATCH])
    plain = PlainCharCNN(70, n_classes)
    plain.take_weights_of(classifier.net_.module_)
    stock = make_stock_net(plain, batch_size=_BATCH)
    one_hot = OneHotTexts(texts, y, ALPHABETS["paper"], 1014)

    def ours():
        classifier.predict_proba(texts)
        return len(texts)

    def theirs():
        stock.predict_proba(one_hot)
        return len(texts)

    logits = stock.forward(one_hot).numpy()
    differs = np.abs(classifier._logits(texts) - logits).max()
    return compared(
        f"predict with CharCNN, {precision}",
        rates({"ours": ours, "theirs": theirs}, rounds=3),
        "texts/s",
        target,
        "skorch, one-hot float32 from a DataLoader",
        largest_difference_of_logits=float(differs),
    )


def training_of_rnn(data, cell, target):
    """Measure training of a bidirectional recurrent network on short texts."""
    texts, y = head(data["short"], 2000)
    classifier = RNNClassifier(cell=cell, bidirectional=True, batch_size=64)
    ours = fitter(classifier, texts, y)
    encoded = classifier.encoder_.encode(texts)
    encoded_texts = EncodedDataset(encoded, torch.device("cpu"))
    n_classes = len(classifier.classes_)
    packed = PackedRNN(classifier.encoder_.n_tokens, n_classes, cell=cell)
    theirs = _trainer(packed, classifier, encoded, y)
    recurrent = classifier.net_.module_.recurrent
    inputs = [
        (torch.randn(*ids.shape, classifier.embedding_dim, requires_grad=True), ids)
        for ids in map(encoded_texts.ids, encoded_texts.by_length().split(64))
    ]

    def layers_alone():
        for x, ids in inputs:
            recurrent(x, (ids != PAD).sum(1)).sum().backward()
        return len(texts)

    sides = {"ours": ours, "theirs": theirs, "layers alone": layers_alone}
    measured = rates(sides, rounds=3)
    n_steps = sum(ids.numel() for _, ids in inputs)
    macs = sum(p.numel() for p in recurrent.parameters() if p.dim() == 2)  # of a step
    flops = 3 * 2 * macs * n_steps / len(texts)
    share = flops * statistics.median(measured["layers alone"])
    return compared(
        f"train {cell.upper()}, both directions",
        measured,
        "texts/s",
        target,
        "packed sequences, minibatches at random",
        layers_alone_share_of_peak=share / peak_flops(torch.float32),
    )


def training_of_han(data):
    """Measure training of the hierarchical network on long reviews."""
    texts, y = head(data["long"], 384)
    classifier = HANClassifier()
    ours = fitter(classifier, texts, y)
    encoded = classifier.encoder_.encode(texts)
    network = classifier.net_.module_
    n_tokens = classifier.encoder_.n_tokens
    padded = PaddedHAN(n_tokens, len(classifier.classes_))
    theirs = _trainer(padded, classifier, encoded, y)
    padded.load_state_dict(network.state_dict())
    ids = EncodedDataset(encoded, torch.device("cpu")).ids(torch.arange(32))
    with torch.inference_mode():
        differs = (padded.eval()(ids) - network.eval()(ids)).abs().max()
    return compared(
        "train HAN",
        rates({"ours": ours, "theirs": theirs}, rounds=3),
        "texts/s",
        8,
        "documents padded to the minibatch, at random",
        largest_difference_of_logits=float(differs),
    )


class _Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, ids):
        return self.head(self.embedding(ids).mean(1))


def overhead(data):
    """Measure the overhead of the training loop per minibatch."""
    n_batches, size = _LOOPS, 8
    ids = np.ones(n_batches * size * 4, dtype=np.uint8)
    ragged = Ragged(ids, np.arange(0, len(ids) + 1, 4))
    texts = EncodedDataset(
        ragged,
        torch.device("cpu"),
        targets=np.zeros(len(ragged), dtype=np.int64),
        weights=np.ones(len(ragged)),
    )
    recipe = Recipe(torch.optim.SGD, learning_rate=1e-3)
    net = make_net(_Tiny(), recipe, device=torch.device("cpu"), precision="float32")
    bare, criterion = _Tiny(), WeightedCrossEntropy()
    optimizer = torch.optim.SGD(bare.parameters(), lr=1e-3, fused=True)
    stock = make_stock_net(_Tiny(), batch_size=size)
    whole = TensorDataset(
        torch.ones(len(ragged), 4, dtype=torch.long),
        torch.zeros(len(ragged), dtype=torch.long),
    )

    def ours():
        train(net, texts, n_epochs=1, batch_size=size)
        return n_batches

    def theirs():
        for (ids, _), target in BatchLoader(texts, size, training=True):
            optimizer.zero_grad()
            criterion(bare(ids), target).backward()
            optimizer.step()
        return n_batches

    def as_it_comes():
        stock.partial_fit(whole)
        return n_batches

    measured = rates({"ours": ours, "bare": theirs, "stock": as_it_comes}, rounds=7)
    seconds = {name: 1 / np.array(values) for name, values in measured.items()}
    extra = 1e6 * (seconds["ours"] - seconds["bare"])
    extra_of_stock = 1e6 * (seconds["stock"] - seconds["bare"])
    return Line(
        "cost of the loop, per minibatch",
        float(np.median(extra)),
        float(np.median(extra_of_stock)),
        "µs",
        float(np.median(extra_of_stock / extra)),
        None,
        "skorch as it comes; both less a bare loop",
        {"limit µs": 60},
    )


def ngrams(data):
    """Measure counting the 500,000 most frequent n-grams of 1 to 5 words."""
    texts = data["long"][0]
    seconds, mib = in_fresh_process(_count, NGramVectorizer, {}, texts)
    settings = {
        "ngram_range": (1, 5),
        "max_features": 500_000,
        "token_pattern": TOKEN_PATTERN,
        "dtype": np.float32,
    }
    their_seconds, their_mib = in_fresh_process(
        _count, CountVectorizer, settings, texts
    )
    return Line(
        "count 1- to 5-grams",
        seconds,
        their_seconds,
        "s",
        their_seconds / seconds,
        15,
        "CountVectorizer",
        {"MiB": mib, "MiB of CountVectorizer": their_mib, "less": their_mib / mib},
    )


def _count(vectorizer, settings, texts):
    vectorizer(**settings).fit_transform(texts)


def solver(data):
    """Measure logistic regression on the TF-IDF of 500,000 n-grams."""
    texts, y = data["short"]
    texts, others = texts[:-_HELD_OUT], texts[-_HELD_OUT:]
    y, y_other = y[:-_HELD_OUT], y[-_HELD_OUT:]
    *first, last = (step for _, step in make_ngram_classifier(tfidf=True).steps)
    X, X_other = texts, others
    for step in first:
        X = step.fit_transform(X)
        X_other = step.transform(X_other)

    def fit(regression):
        start = time.process_time()
        regression.fit(X, y)
        seconds = time.process_time() - start
        loss = log_loss(y, regression.predict_proba(X), normalize=False)
        return {
            "s": seconds,
            "objective": last.C * loss + np.square(regression.coef_).sum() / 2,
            "error %": 100 * np.mean(regression.predict(X_other) != y_other),
        }

    notes = {"newton-cg": fit(last)}
    goal = notes["newton-cg"]["objective"]
    # A tolerance means something else to each solver: lower that of lbfgs until its
    # objective is as low.
    for tol in last.tol * np.array([1.0, 0.1, 0.01, 0.001]):
        lbfgs = LogisticRegression(C=last.C, tol=tol, max_iter=2_000)
        notes[f"lbfgs to {tol:.0e}"] = theirs = fit(lbfgs)
        if theirs["objective"] <= goal:
            break
    else:
        raise ArithmeticError(
            f"lbfgs did not reach the objective of newton-cg: {notes}"
        )
    seconds, their_seconds = notes["newton-cg"]["s"], theirs["s"]
    return Line(
        "logistic regression, 500,000 n-grams",
        seconds,
        their_seconds,
        "s",
        their_seconds / seconds,
        3,
        "lbfgs, to the same objective",
        notes,
    )


LINES = {
    "characters": characters,
    "words": words,
    "train-charcnn": lambda data: training_of_charcnn(data, "float32", 3.3),
    "train-charcnn-bf16": lambda data: training_of_charcnn(data, "bfloat16", 9),
    "predict-charcnn": lambda data: prediction_of_charcnn(data, "float32", 4),
    "predict-charcnn-bf16": lambda data: prediction_of_charcnn(data, "bfloat16", 10),
    "train-gru": lambda data: training_of_rnn(data, "gru", 3),
    "train-lstm": lambda data: training_of_rnn(data, "lstm", 4),
    "train-han": training_of_han,
    "loop": overhead,
    "ngrams": ngrams,
    "solver": solver,
}
README_LINES = ("characters", "train-charcnn-bf16", "train-lstm", "ngrams", "solver")


# -- fraction of the peak -------------------------------------------------


def shares(data):
    """Return texts per second in training and the fraction of peak operations."""
    peaks = {name: peak_flops(getattr(torch, name)) for name in ("float32", "bfloat16")}
    rows = []
    for classifier, which in (
        (CharCNNClassifier(), "short"),
        (VDCNNClassifier(batch_size=64), "short"),
        (WordCNNClassifier(), "long"),
        (KimCNNClassifier(), "long"),
        (RNNClassifier(), "long"),
        (HANClassifier(), "long"),
    ):
        texts, y = head(data[which], 2 * classifier._batch_size())
        for precision in peaks:
            classifier.set_params(precision=precision)
            run = fitter(classifier, texts, y)
            (rate,) = rates({"ours": run}, rounds=3).values()
            flops = training_flops(classifier, texts)
            rows.append(
                {
                    "network": type(classifier).__name__.removesuffix("Classifier"),
                    "texts": which,
                    "precision": precision,
                    "texts/s": statistics.median(rate),
                    "GFLOP/text": flops and flops / 1e9,
                    "share of peak": flops
                    and flops * statistics.median(rate) / peaks[precision],
                }
            )
            progress(f"{rows[-1]}")
    peaks = {name: peak / 1e9 for name, peak in peaks.items()}
    return {"peak GFLOP/s": peaks, "networks": rows}


def _trainer(network, classifier, encoded, y):
    """Return a callable that trains another network, with random minibatches."""
    device = torch.device("cpu")
    recipe = classifier._recipe()
    net = make_net(network, recipe, device=device, precision="float32")
    targets = np.unique(y, return_inverse=True)[1]
    texts = EncodedDataset(
        encoded, device, targets=targets, weights=np.ones(len(targets))
    )

    def run():
        train(net, texts, n_epochs=1, batch_size=classifier._batch_size())
        return len(y)

    return run


# -- command ------------------------------------------------------------------------


def table(result, names=None):
    """Return the lines as rows of cells, the head first; None takes all lines."""
    rows = [("", "Ours", "Theirs", "Ratio", "Goal", "Theirs is")]
    for key in result["lines"] if names is None else names:
        line = result["lines"][key]
        name = f"{line['name']}, {line['unit']}"
        goal = (
            "" if line["target"] is None else f"≥\N{NO-BREAK SPACE}{line['target']:g}"
        )
        figures = (_figure(line[side]) for side in ("ours", "theirs"))
        rows.append((name, *figures, f"{line['ratio']:.1f}", goal, line["against"]))
    return rows


def table_of_shares(result):
    """Return the fractions of the peak as rows of cells, the head first."""
    rows = [("", "Texts", "Precision", "Texts/s", "GFLOP/text", "Share of the peak")]
    for row in result["shares"]["networks"]:
        flops, share = row["GFLOP/text"], row["share of peak"]
        rows.append(
            (
                row["network"],
                row["texts"],
                row["precision"],
                _figure(row["texts/s"]),
                "" if flops is None else f"{flops:.2f}",
                "" if share is None else f"{share:.0%}",
            )
        )
    return rows


def describe(result):
    """Return the machine and the version of torch."""
    abouts = [*result["lines"].values(), result["shares"]]
    machines = {about["machine"]["cpu"] for about in abouts}
    versions = {about["versions"]["torch"] for about in abouts}
    return f"{'; '.join(sorted(machines))}, one thread, torch {'; '.join(versions)}."


def _figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.cpu", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    choices = [*LINES, "shares"]
    names = "some of: " + ", ".join(choices)
    add(
        "--lines",
        nargs="+",
        choices=choices,
        default=choices,
        metavar="LINE",
        help=names,
    )
    add("--short", metavar="FILE", help="CSV file of AG News, instead of the loader")
    add("--out", type=Path, default=RESULT, help="JSON file; its other lines stay")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_data(options.short)
    result = json.loads(options.out.read_text()) if options.out.exists() else {}
    result.setdefault("lines", {})
    for name in options.lines:
        progress(name)
        about = describe_run(1, None)
        if name == "shares":
            result["shares"] = shares(data) | about
        else:
            result["lines"][name] = asdict(LINES[name](data)) | about
        write_json(options.out, result)
    rows = table(result)
    notes = [against for *_, against in rows[1:]]
    sys.stdout.write(as_text([row[:-1] for row in rows], notes) + "\n")


if __name__ == "__main__":
    main()
