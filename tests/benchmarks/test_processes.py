"""Benchmark of processes: rounds, quiet rounds, tables."""

import numpy as np
import pytest
from sklearn.base import clone

from benchmarks.speed import processes

from ..classifiers import NETWORKS


def make_round(others, *, rates, starts):
    return {"others": others, "texts per second": rates, "start": starts}


QUIET = [
    make_round(0.0, rates=[100.0, rate], starts=[1.0, 3.0])
    for rate in (150.0, 160.0, 190.0)
]
BUSY = make_round(1.0, rates=[100.0, 20.0], starts=[1.0, 90.0])


def test_measure_processes_records_each_round(corpus):
    """A round has the rates and starts of both, and the bytes are of all weights."""
    texts, labels = corpus
    classifier = clone(NETWORKS["kimcnn"])
    measured = processes.measure_processes(
        classifier, texts, labels, processes=(1, 1), rounds=2
    )
    assert len(measured["rounds"]) == 2
    for each in measured["rounds"]:
        assert np.shape(each["texts per second"]) == np.shape(each["start"]) == (2,)
        assert min(each["texts per second"] + each["start"]) > 0
    network = clone(classifier).fit(texts, labels).net_.module_
    n_weights = sum(weight.numel() for weight in network.parameters())
    assert measured["gradient bytes"] == 4 * n_weights


def test_processes_counts_quiet_rounds_only():
    """The speedup is the median over the rounds in which the machine was quiet."""
    found = processes.summarize([*QUIET, BUSY], 0.1)
    assert found == {"quiet rounds": 3, "speedup": 1.6, "start": 2.0}
    found = processes.summarize([*QUIET[1:], BUSY], 0.1)
    assert found == {"quiet rounds": 2, "speedup": None, "start": None}


def test_processes_table():
    networks = {
        "rnn": processes.summarize(QUIET, 0.1) | {"gradient bytes": 25_000_000},
        "han": processes.summarize([BUSY], 0.1) | {"gradient bytes": 10},
    }
    _, *rows = processes.table({"networks": networks})
    assert rows == [
        ("rnn", "1.60", "80%", "2.0", "3"),
        ("han", "", "", "", "0"),
    ]


@pytest.mark.parametrize(("link", "column"), [(25e9 / 8, 2), (450e9, 4)])
def test_traffic_table(link, column):
    """A step that computes for so long spends a tenth of its time on sending."""
    networks = {"rnn": {"gradient bytes": 25_000_000}}
    _, (_, n_bytes, *_) = rows = processes.traffic_table({"networks": networks})
    assert n_bytes == "25.0"
    computing = float(rows[1][column]) / 1e3
    sending = 25_000_000 * 2 * 31 / 32 / link
    assert sending / (sending + computing) == pytest.approx(0.1, rel=0.05)
