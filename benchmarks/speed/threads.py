"""Wall time of each network with one and with two threads, as far as the machine rests.

    python -m benchmarks.speed.threads                 # all networks
    python -m benchmarks.speed.threads --networks rnn  # some
    python -m benchmarks.speed.threads --show          # the table of an earlier run

Threads can only be compared by wall time, which other programs spoil. Numbers of
threads take turns in short rounds. A round counts if other programs used at most
`--others` cores in it, by the counters of Linux; networks without enough such rounds
have no ratio, and can be run again later.
"""

import statistics
import time

import torch

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
)

from .._record import RESULTS
from .quiet import measure_rounds, quiet_rounds, run_program
from .timing import configured

__all__ = ["NETWORKS", "RESULT", "measure_threads", "table"]

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
    measured : dict
        "rounds" is a list of dict: the cores that other programs used, and the wall
        seconds of training and of prediction for each number of threads, as lists in
        the order of `threads`.
    """
    configured(classifier).fit(texts, y).set_params(warm_start=True)

    def measure():
        record = {"train": [], "predict": []}
        for n_threads in threads:
            classifier.set_params(n_jobs=n_threads)
            for task, run in (
                ("train", lambda: classifier.fit(texts, y)),
                ("predict", lambda: classifier.predict_proba(texts)),
            ):
                start = time.perf_counter()
                run()
                record[task].append(time.perf_counter() - start)
        return record

    return {"rounds": measure_rounds(measure, rounds=rounds)}


def summarize(records, max_others):
    """Return the median speedups in the quiet rounds, or None for too few of them."""
    quiet, is_enough = quiet_rounds(records, max_others)
    speedups = {"quiet rounds": len(quiet), "train": None, "predict": None}
    if is_enough:
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


if __name__ == "__main__":
    torch.set_num_threads(1)
    run_program(
        "benchmarks.speed.threads",
        "Speedup by two threads",
        networks=NETWORKS,
        path=RESULT,
        measure=measure_threads,
        summarize=summarize,
        table=table,
        threads=2,
    )
