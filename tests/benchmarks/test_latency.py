"""Latency of a single text."""

import time

from benchmarks.speed.latency import measure_single, measure_warm
from sktextconv import KimCNNClassifier

TEXTS, LABELS = ["good", "so bad", "a fine film", "too long"] * 2, [1, 0, 1, 0] * 2


class Slow(KimCNNClassifier):
    """Network whose prediction computes for 5 ms more."""

    def predict_proba(self, X):
        end = time.process_time() + 5e-3
        while time.process_time() < end:
            pass
        return super().predict_proba(X)


def test_own_part_is_time_outside_network():
    """Time that prediction spends outside the network counts as our own part."""
    settings = {"embedding_dim": 8, "n_filters": 4, "max_epochs": 1, "random_state": 0}
    plain, slow = (
        measure_single(make(**settings).fit(TEXTS, LABELS), TEXTS[:3], rounds=3)
        for make in (KimCNNClassifier, Slow)
    )
    assert slow["one text, own part"] > 5
    assert plain["one text, own part"] < plain["one text, ours"]


def test_measure_warm_skips_network():
    """The network runs once, and the classifier is as before afterwards."""
    settings = {"embedding_dim": 8, "n_filters": 4, "max_epochs": 1, "random_state": 0}
    classifier = KimCNNClassifier(**settings).fit(TEXTS, LABELS)
    calls = []
    classifier.net_.module_.register_forward_hook(lambda *_: calls.append(1))
    assert measure_warm(classifier, TEXTS[0], n_calls=3) > 0
    assert len(calls) == 1
    classifier.predict_proba(TEXTS[1:2])
    assert len(calls) == 2
