"""Throughput of the training of one network in one and in two processes.

    python -m benchmarks.speed.processes                 # all networks
    python -m benchmarks.speed.processes --networks rnn  # some
    python -m benchmarks.speed.processes --show          # the table of an earlier run

Both fit the same texts with one thread in each process, in turn. Their times are wall
times of epochs after the first, which other programs spoil: a round counts if other
programs used at most `--others` cores in it. To start the processes is measured apart.
"""

import argparse
import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import torch
from sklearn.base import clone

from sktextconv import (
    CharCNNClassifier,
    CharCRNNClassifier,
    DPCNNClassifier,
    FastTextClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)

from .._record import RESULTS, describe_run, progress, write_json
from .._render import as_text
from .threads import cpu_seconds_of_others
from .timing import LazyData, configured, head

__all__ = ["NETWORKS", "RESULT", "measure_processes", "table", "traffic_table"]

RESULT = RESULTS / "processes.json"

# Classifier, corpus and number of texts, so that an epoch takes some seconds.
NETWORKS = {
    "charcnn": (CharCNNClassifier, "short", 256),
    "charcnn-128": (partial(CharCNNClassifier, batch_size=128), "short", 256),
    "vdcnn": (VDCNNClassifier, "short", 96),
    "wordcnn": (WordCNNClassifier, "long", 64),
    "kimcnn": (KimCNNClassifier, "long", 250),
    "rnn": (RNNClassifier, "long", 256),
    "han": (HANClassifier, "long", 128),
    "charcrnn": (CharCRNNClassifier, "short", 256),
    "dpcnn": (DPCNNClassifier, "long", 128),
    "fasttext": (FastTextClassifier, "long", 512),
}
_N_EPOCHS = 3
_MIN_QUIET_ROUNDS = 3
# Bytes per second that one process sends and receives at the same time.
_LINKS = {"25 Gbit/s": 25e9 / 8, "400 Gbit/s": 400e9 / 8, "450 GB/s": 450e9}
_N_PROCESSES = 32
_SHARE = 0.9  # of the ideal throughput


def measure_processes(classifier, texts, y, *, processes=(1, 2), rounds=5):
    """Train with numbers of processes in turn.

    Parameters
    ----------
    classifier : BaseTextNetClassifier
    texts : sequence of str
    y : ndarray of shape (n_samples,)
    processes : sequence of int, default=(1, 2)
    rounds : int, default=5

    Returns
    -------
    records : list of dict
        Of each round: the cores that other programs used, the texts per second of the
        epochs after the first, and the seconds of the fit outside of epochs, as lists
        in the order of `processes`.
    gradient_bytes : int
        Bytes of the gradients of a step.
    """
    # On few texts, the default would be smaller minibatches.
    size = classifier._batch_size()
    classifier = configured(classifier).set_params(
        max_epochs=_N_EPOCHS, batch_size=size
    )
    records = []
    for _ in range(rounds):
        record = {"texts per second": [], "start": []}
        before = time.perf_counter(), cpu_seconds_of_others()
        for n_workers in processes:
            start = time.perf_counter()
            fitted = clone(classifier).set_params(n_workers=n_workers).fit(texts, y)
            seconds = [epoch["seconds"] for epoch in fitted.history_]
            rate = len(texts) * (_N_EPOCHS - 1) / sum(seconds[1:])
            record["texts per second"].append(rate)
            record["start"].append(time.perf_counter() - start - sum(seconds))
        wall, others = time.perf_counter() - before[0], cpu_seconds_of_others()
        records.append({"others": (others - before[1]) / wall} | record)
    weights = fitted.net_.module_.parameters()
    return records, sum(each.nbytes for each in weights if each.requires_grad)


def summarize(records, max_others):
    """Return medians over the quiet rounds, or None for too few of them."""
    quiet = [record for record in records if record["others"] <= max_others]
    summary = {"quiet rounds": len(quiet), "speedup": None, "start": None}
    if len(quiet) >= _MIN_QUIET_ROUNDS:
        rates = [record["texts per second"] for record in quiet]
        summary["speedup"] = statistics.median(rate[-1] / rate[0] for rate in rates)
        starts = [record["start"] for record in quiet]
        summary["start"] = statistics.median(last - first for first, *_, last in starts)
    return summary


def table(result):
    """Return the speedups of two processes as rows; the first is the header."""
    rows = [("", "Speedup", "Share of ideal", "To start, s", "Quiet rounds")]
    for name, each in result["networks"].items():
        cells = [""] * 3
        if each["speedup"] is not None:
            speedup = each["speedup"]
            cells = [f"{speedup:.2f}", f"{speedup / 2:.0%}", f"{each['start']:.1f}"]
        rows.append((name, *cells, str(each["quiet rounds"])))
    return rows


def traffic_table(result):
    """Return what the gradients of a step take on several links, as rows of cells.

    The minimal times of a step are calculated: a ring of n processes sends
    ``2 (n - 1) / n`` times the bytes of the gradients.
    """
    header = [f"{link}, ms" for link in _LINKS]
    rows = [("", "Gradients, MB", *header)]
    for name, each in result["networks"].items():
        sent = each["gradient bytes"] * 2 * (_N_PROCESSES - 1) / _N_PROCESSES
        # Without overlap of computing and sending: their ratio gives the share.
        least = [sent / rate * _SHARE / (1 - _SHARE) * 1e3 for rate in _LINKS.values()]
        cells = [f"{ms:,.1f}" if ms < 10 else f"{ms:,.0f}" for ms in least]
        rows.append((name, f"{each['gradient bytes'] / 1e6:,.1f}", *cells))
    return rows


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.processes",
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
    sys.stdout.write(f"Two processes\n{as_text(table(result))}\n{note}\n")


def run(options, data):
    """Measure the networks of the options and write each to the JSON file."""
    out = options.out
    result = json.loads(out.read_text()) if out.exists() else {"networks": {}}
    for name in options.networks:
        make, corpus, n_texts = NETWORKS[name]
        texts, y = head(data[corpus], n_texts)
        rounds, n_bytes = measure_processes(make(), texts, y, rounds=options.rounds)
        result["networks"][name] = (
            summarize(rounds, options.others)
            | {"texts": n_texts, "gradient bytes": n_bytes}
            | {"max others": options.others, "rounds": rounds}
            | describe_run(1, None)
        )
        write_json(out, result)
        progress(f"{name}: {summarize(rounds, options.others)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
