"""Growth of CPU time and peak memory of training, in one process per measurement.

    python -m benchmarks.speed.growth               # what is missing, 15 minutes
    python -m benchmarks.speed.growth --families BoW HAN --factors classes --redo
    python -m benchmarks.speed.growth --seconds 60  # longer curves of slow models
    python -m benchmarks.speed.growth --show        # the exponents of earlier runs

One factor grows: the number of texts, their length, the number of classes or the number
of different words; the others stay. Words follow Zipf's law, and one in ten is a word
of the class. Networks are narrow and see each text once, so that a large point takes
seconds. A curve ends where a point is expected to take longer than the limit. The file
is written after each point, and its points are not measured again.
"""

import argparse
import json
import multiprocessing
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import threadpoolctl
import torch

import sktextconv
from sktextconv.networks import convnet, vdcnn
from sktextconv.training import Recipe
from sktextconv.training._net import make_net

from .._record import (
    describe_run,
    memory_mib,
    peak_mib,
    progress,
    reset_peak,
    timed,
    write_json,
)
from .._render import as_text
from .comparison import Line
from .growth_tables import COSTS, RESULT, exponent_of, table
from .memory import spell

__all__ = [
    "FACTORS",
    "FAMILIES",
    "LINES",
    "Corpus",
    "draw_texts",
    "make_line",
    "measure",
    "run",
]

SEED = 0
_LIMIT = 1.1  # goal: the largest exponent
_SECONDS = 5.0  # CPU seconds of the largest point of a curve
_WORDS_PER_SENTENCE = 10


@dataclass(frozen=True)
class Corpus:
    """Sizes of generated texts.

    Attributes
    ----------
    texts : int
    length : int
        Mean number of words of a text.
    classes : int
    vocabulary : int
        Number of words to draw from, besides one word for each class.
    """

    texts: int
    length: int
    classes: int
    vocabulary: int

    @property
    def longest(self):
        return 3 * self.length // 2


_STEPS = (1, 3, 10, 30, 100)
# The corpus of each factor, and the sizes that replace its own.
FACTORS = {
    "texts": (Corpus(0, 16, 4, 10_000), [300, *(1_000 * step for step in _STEPS)]),
    "length": (Corpus(300, 0, 4, 10_000), [10 * step for step in _STEPS]),
    "classes": (Corpus(3_000, 16, 0, 10_000), [2, 10, 30, 100, 300, 1_000]),
    "vocabulary": (Corpus(3_000, 100, 4, 0), [1_000 * step for step in _STEPS]),
}
_FEW = Corpus(30, 16, 2, 100)
_COMMON = {
    "max_epochs": 1,
    "batch_size": 128,
    "random_state": SEED,
    "n_jobs": 1,
    "device": "cpu",
}
_WORDS = _COMMON | {"embedding_dim": 8, "max_tokens": 1_000_000}


def _characters(corpus):
    """Return the settings of a network that reads whole texts, as all networks do."""
    return _COMMON | {"max_length": _valid_length(8 * corpus.longest)}


def _valid_length(length):
    """Return the next length whose three poolings have no remainder."""
    return 96 + 27 * max(1, -(-(length - 96) // 27))


FAMILIES = {
    "BoW": lambda corpus: sktextconv.make_bow_classifier(),
    "n-grams": lambda corpus: sktextconv.make_ngram_classifier(),
    "naive Bayes": lambda corpus: sktextconv.make_nb_ngram_classifier(),
    "TF-IDF": lambda corpus: sktextconv.make_tfidf_classifier(),
    "KimCNN": lambda corpus: sktextconv.KimCNNClassifier(
        **_WORDS, n_filters=4, max_length=corpus.longest
    ),
    "WordCNN": lambda corpus: sktextconv.WordCNNClassifier(
        **_WORDS, max_length=_valid_length(corpus.longest)
    ),
    "LSTM": lambda corpus: sktextconv.RNNClassifier(
        **_WORDS, hidden_dim=8, max_length=corpus.longest
    ),
    "HAN": lambda corpus: sktextconv.HANClassifier(
        **_WORDS,
        hidden_dim=4,
        min_count=1,
        max_sentences=1 + corpus.longest // _WORDS_PER_SENTENCE,
    ),
    "CharCNN": lambda corpus: sktextconv.CharCNNClassifier(**_characters(corpus)),
    "VDCNN": lambda corpus: sktextconv.VDCNNClassifier(
        **_characters(corpus), dense_dim=16
    ),
}
# The alphabet of these does not depend on the words.
_OF_CHARACTERS = ("CharCNN", "VDCNN")


def draw_texts(corpus):
    """Return generated texts and their classes.

    Lengths are uniform between half and one and a half of the mean.
    """
    rng = np.random.default_rng(SEED)
    n_words = corpus.vocabulary + corpus.classes
    words = np.array([spell(rank) for rank in range(n_words)], dtype=object)
    y = np.arange(corpus.texts) % corpus.classes
    lengths = rng.integers(
        max(corpus.length // 2, 1), corpus.longest, corpus.texts, endpoint=True
    )
    owner = np.repeat(y, lengths)
    # Ranks with probability proportional to 1 / rank.
    draws = corpus.vocabulary ** rng.random(len(owner))
    ranks = draws.astype(np.int64) % corpus.vocabulary
    ranks = np.where(rng.random(len(owner)) < 0.1, corpus.vocabulary + owner, ranks)
    drawn, ends = words[ranks], np.cumsum(lengths)
    drawn[_WORDS_PER_SENTENCE - 1 :: _WORDS_PER_SENTENCE] += "."
    texts = [
        " ".join(drawn[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]
    return texts, y, len(np.unique(ranks))


def measure(family, corpus):
    """Return CPU seconds and the MiB that training adds, and the number of words."""
    torch.set_num_threads(1)
    # The first training of a process loads libraries, which is not part of the growth.
    few_texts, few_y, _ = draw_texts(_FEW)
    FAMILIES[family](_FEW).fit(few_texts, few_y)
    texts, y, n_words = draw_texts(corpus)
    classifier = FAMILIES[family](corpus)
    reset_peak()
    before = memory_mib()
    with threadpoolctl.threadpool_limits(1), timed() as seconds:
        classifier.fit(texts, y)
    return {"cpu_seconds": seconds.cpu, "mib": peak_mib() - before, "words": n_words}


def _measure_in_child(family, corpus):
    """Measure in a forked process, which has loaded all modules before."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run():
        # Narrow layers; only this process sees the change.
        convnet.SIZES["small"] = (8, 16, 0.05)
        vdcnn._WIDTHS = (4, 4, 8, 8)
        sender.send(measure(family, corpus))

    process = context.Process(target=run)
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join()


def _load_modules():
    """Import what the first training imports; start no thread, so as to fork later."""
    recipe = Recipe(torch.optim.AdamW, learning_rate=1e-3)
    device = torch.device("cpu")
    make_net(torch.nn.Linear(1, 1), recipe, device=device, precision="float32")
    sktextconv.HANClassifier(min_count=1)._make_encoder().fit(["A text."])


def run(families, factors, path, *, seconds=_SECONDS, redo=False):
    """Measure the points that the JSON file lacks; return its content.

    A curve ends where the next point would take more than `seconds` of CPU time.
    """
    _load_modules()
    result = json.loads(path.read_text()) if path.exists() else {"curves": {}}
    curves = result["curves"]
    for factor in factors:
        base, sizes = FACTORS[factor]
        for family in families:
            if factor == "vocabulary" and family in _OF_CHARACTERS:
                continue
            curve = curves.setdefault(factor, {}).setdefault(family, {"points": []})
            if redo:
                curve["points"] = []
            done = {point[factor]: point["cpu_seconds"] for point in curve["points"]}
            for size in sizes:
                if size in done:
                    continue
                if _predict(done, size) > seconds:
                    break
                corpus = replace(base, **{factor: size})
                found = _measure_in_child(family, corpus)
                progress(
                    f"{family}, {size:,} {factor}: {found['cpu_seconds']:.2f} s, "
                    f"{found['mib']:.0f} MiB"
                )
                curve["points"].append(asdict(corpus) | found)
                done[size] = found["cpu_seconds"]
                curve |= describe_run(1, None)
                write_json(path, result)
    return result


def _predict(done, size):
    """Return the expected CPU seconds of a size, from the two sizes below it."""
    below = sorted(each for each in done if each < size)[-2:]
    if len(below) < 2:
        return sum(done[each] for each in below)
    before, last = below
    exponent = np.log(done[last] / done[before]) / np.log(last / before)
    return done[last] * (size / last) ** exponent


def make_line(result, cost):
    """Return the line with the largest exponent of a cost."""
    found = {
        f"{family}, {factor}": exponent_of(factor, curve["points"], cost)
        for factor, by_family in result["curves"].items()
        for family, curve in by_family.items()
    }
    exponents = {key: each[0] for key, each in found.items() if each is not None}
    largest = max(exponents, key=exponents.get)
    return Line(
        f"largest exponent of the growth of {COSTS[cost]}",
        exponents[largest],
        None,
        "",
        None,
        None,
        f"none; {largest}",
        exponents,
        limit=_LIMIT,
    )


def _run_all():
    return run(FAMILIES, FACTORS, RESULT)


LINES = {
    "growth-time": lambda data: make_line(_run_all(), "cpu_seconds"),
    "growth-memory": lambda data: make_line(_run_all(), "mib"),
}


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.growth",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    for name, choices in (("families", FAMILIES), ("factors", FACTORS)):
        add(f"--{name}", nargs="+", choices=choices, default=[*choices])
    add("--seconds", type=float, default=_SECONDS, help="limit of a point, CPU time")
    add("--redo", action="store_true", help="measure points of the file again")
    add("--out", type=Path, default=RESULT)
    add("--show", action="store_true", help="print the exponents of the file only")
    options = parser.parse_args()
    if not options.show:
        run(
            options.families,
            options.factors,
            options.out,
            seconds=options.seconds,
            redo=options.redo,
        )
    result = json.loads(options.out.read_text())
    for key in ("cpu_seconds", "mib"):
        sys.stdout.write(f"{key}\n{as_text(table(result, key))}\n")


if __name__ == "__main__":
    main()
