"""Benchmark of threads: rounds, quiet rounds, table."""

import numpy as np
from sklearn.base import clone

from benchmarks.speed import threads

from ..classifiers import NETWORKS


def make_round(others, seconds):
    return {"others": others, "train": [seconds, 2.0], "predict": [6.0, seconds]}


def test_measure_threads_records_each_round(corpus):
    """A round has the wall seconds of each number of threads, and others' cores."""
    texts, labels = corpus
    classifier = clone(NETWORKS["kimcnn"])
    measured = threads.measure_threads(
        classifier, texts, labels, threads=(1, 1), rounds=2
    )
    rounds = measured["rounds"]
    assert len(rounds) == 2
    for each in rounds:
        assert np.shape(each["train"]) == np.shape(each["predict"]) == (2,)
        assert min(each["train"] + each["predict"]) > 0
        assert np.isfinite(each["others"])


def test_threads_counts_quiet_rounds_only():
    """The speedup is the median over the rounds in which the machine was quiet."""
    rounds = [make_round(0.0, s) for s in (2.0, 3.0, 4.0)] + [make_round(1.5, 100.0)]
    found = threads.summarize(rounds, 0.1)
    assert found == {"quiet rounds": 3, "train": 1.5, "predict": 2.0}
    assert threads.summarize(rounds[1:], 0.1) == {
        "quiet rounds": 2,
        "train": None,
        "predict": None,
    }


def test_threads_table_leaves_busy_rounds_blank():
    """A network without enough quiet rounds has no ratio."""
    rounds = [make_round(1.5, 3.0)] * 3
    result = {"networks": {"rnn": {"rounds": rounds} | threads.summarize(rounds, 0.1)}}
    assert threads.table(result)[1] == ("rnn", "", "", "1.5", "0")
