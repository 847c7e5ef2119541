"""Throughput of the training of one network in one and in two processes.

    python -m benchmarks.speed.processes                 # all networks
    python -m benchmarks.speed.processes --networks rnn  # some
    python -m benchmarks.speed.processes --show          # the table of an earlier run

Both fit the same texts with one thread in each process, in turn. Their times are wall
times of epochs after the first, which other programs spoil: a round counts if other
programs used at most `--others` cores in it. To start the processes is measured apart.
"""

import statistics
import time
from functools import partial

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

from .._record import RESULTS
from .quiet import measure_rounds, quiet_rounds, run_program
from .timing import configured

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
    measured : dict
        "rounds" is a list of dict: the cores that other programs used, the texts per
        second of the epochs after the first, and the seconds of the fit outside of
        epochs, as lists in the order of `processes`. "gradient bytes" are those of a
        step.
    """
    # On few texts, the default would be smaller minibatches.
    size = classifier._batch_size()
    classifier = configured(classifier).set_params(
        max_epochs=_N_EPOCHS, batch_size=size
    )
    fitted = None

    def measure():
        nonlocal fitted
        record = {"texts per second": [], "start": []}
        for n_workers in processes:
            start = time.perf_counter()
            fitted = clone(classifier).set_params(n_workers=n_workers).fit(texts, y)
            seconds = [epoch["seconds"] for epoch in fitted.history_]
            rate = len(texts) * (_N_EPOCHS - 1) / sum(seconds[1:])
            record["texts per second"].append(rate)
            record["start"].append(time.perf_counter() - start - sum(seconds))
        return record

    records = measure_rounds(measure, rounds=rounds)
    weights = fitted.net_.module_.parameters()
    n_bytes = sum(each.nbytes for each in weights if each.requires_grad)
    return {"rounds": records, "gradient bytes": n_bytes}


def summarize(records, max_others):
    """Return medians over the quiet rounds, or None for too few of them."""
    quiet, is_enough = quiet_rounds(records, max_others)
    summary = {"quiet rounds": len(quiet), "speedup": None, "start": None}
    if is_enough:
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


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_program(
        "benchmarks.speed.processes",
        "Training in two processes",
        networks=NETWORKS,
        path=RESULT,
        measure=measure_processes,
        summarize=summarize,
        table=table,
        threads=1,
    )
