"""Wall time of each network with one and with two threads, as far as the machine rests.

    python -m benchmarks.speed.threads                 # all networks
    python -m benchmarks.speed.threads --networks rnn  # some
    python -m benchmarks.speed.threads --show          # the table of an earlier run

Threads can only be compared by wall time, which other programs spoil. Numbers of
threads take turns in short rounds. A round counts if other programs used at most
`--others` cores in it, by the counters of Linux; networks without enough such rounds
have no ratio, and can be run again later.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import torch

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)

from .._record import RESULTS, cpu_seconds, describe_run, progress, write_json
from .._render import as_text
from .timing import LazyData, configured, head

__all__ = [
    "NETWORKS",
    "RESULT",
    "cpu_seconds_of_others",
    "measure_threads",
    "table",
]

RESULT = RESULTS / "threads.json"

# Classifier, corpus and number of texts, so that a round takes a few seconds.
NETWORKS = {
    "charcnn": (CharCNNClassifier, "short", 128),
    "vdcnn": (VDCNNClassifier, "short", 64),
    "wordcnn": (WordCNNClassifier, "long", 64),
    "kimcnn": (KimCNNClassifier, "long", 150),
    "rnn": (RNNClassifier, "long", 128),
    "han": (HANClassifier, "long", 64),
}
_MIN_QUIET_ROUNDS = 3


def measure_threads(classifier, texts, y, *, threads=(1, 2), rounds=5):
    """Train and predict with numbers of threads in turn; return a record per round.

    Parameters
    ----------
    classifier : BaseTextNetClassifier
    texts : sequence of str
    y : ndarray of shape (n_samples,)
    threads : sequence of int, default=(1, 2)
    rounds : int, default=5

    Returns
    -------
    records : list of dict
        Cores that other programs used, and the wall seconds of training and of
        prediction for each number of threads, as lists in the order of `threads`.
    """
    configured(classifier).fit(texts, y).set_params(warm_start=True)
    records = []
    for _ in range(rounds):
        record = {"train": [], "predict": []}
        before = time.perf_counter(), cpu_seconds_of_others()
        for n_threads in threads:
            classifier.set_params(n_jobs=n_threads)
            for task, run in (
                ("train", lambda: classifier.fit(texts, y)),
                ("predict", lambda: classifier.predict_proba(texts)),
            ):
                start = time.perf_counter()
                run()
                record[task].append(time.perf_counter() - start)
        wall, others = time.perf_counter() - before[0], cpu_seconds_of_others()
        records.append({"others": (others - before[1]) / wall} | record)
    return records


def cpu_seconds_of_others():
    """Return the CPU seconds of all other programs, which are not its children."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split()[1:9]
    )
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK") - cpu_seconds()


def summarize(records, max_others):
    """Return the median speedups in the quiet rounds, or None for too few of them."""
    quiet = [record for record in records if record["others"] <= max_others]
    speedups = {"quiet rounds": len(quiet), "train": None, "predict": None}
    if len(quiet) >= _MIN_QUIET_ROUNDS:
        for task in ("train", "predict"):
            ratios = [record[task][0] / record[task][-1] for record in quiet]
            speedups[task] = statistics.median(ratios)
    return speedups


def table(result):
    """Return the speedups of two threads as rows of cells; the first is the header."""
    rows = [("", "Training", "Prediction", "Cores of others", "Quiet rounds")]
    for name, each in result["networks"].items():
        others = statistics.median(record["others"] for record in each["rounds"])
        speedups = [each["train"], each["predict"]]
        cells = ["" if speedup is None else f"{speedup:.2f}" for speedup in speedups]
        rows.append((name, *cells, f"{others:.1f}", str(each["quiet rounds"])))
    return rows


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.threads",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS], metavar="NAME")
    add("--rounds", type=int, default=5)
    add("--others", type=float, default=0.1, help="cores that others may use")
    add("--short", metavar="FILE", help="CSV file of AG News, instead of the loader")
    add("--out", type=Path, default=RESULT, help="JSON file; its other networks stay")
    add("--show", action="store_true", help="print the table of the file only")
    options = parser.parse_args()
    if not options.show:
        run(options, LazyData(options.short))
    result = json.loads(options.out.read_text())
    note = "Blank: too few rounds in which the machine was quiet."
    sys.stdout.write(f"Speedup by two threads\n{as_text(table(result))}\n{note}\n")


def run(options, data):
    """Measure the networks of the options and write each to the JSON file."""
    out = options.out
    result = json.loads(out.read_text()) if out.exists() else {"networks": {}}
    for name in options.networks:
        make, corpus, n_texts = NETWORKS[name]
        texts, y = head(data[corpus], n_texts)
        rounds = measure_threads(make(), texts, y, rounds=options.rounds)
        result["networks"][name] = (
            summarize(rounds, options.others)
            | {"texts": n_texts, "max others": options.others, "rounds": rounds}
            | describe_run(2, None)
        )
        write_json(out, result)
        progress(f"{name}: {summarize(rounds, options.others)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
