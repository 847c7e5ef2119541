"""Memory of a process that fits many times."""

import pytest
from sklearn.base import clone

from ..classifiers import NETWORKS, PIPELINES

MIB = 2**20


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NETWORKS, "tfidf"])
def test_memory_is_level_over_100_fits(name, corpus):
    """From the 20th to the 100th fit, memory grows by less than 0.2 MiB for each.

    A network that stayed in memory would take more. Allocators keep some megabytes.
    """
    psutil = pytest.importorskip("psutil", reason="it measures memory")
    process, X, seen = psutil.Process(), list(corpus[0]), []
    for _ in range(100):
        clone((NETWORKS | PIPELINES)[name]).fit(X, corpus[1]).predict(X)
        seen.append(process.memory_info().rss)
    assert seen[99] - seen[19] < 16 * MIB
