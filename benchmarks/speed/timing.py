"""Measurement of speed: alternating runs, peak operations, memory, data."""

import multiprocessing
import statistics

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from sktextconv import HANClassifier, KimCNNClassifier, RNNClassifier
from sktextconv.training._data import EncodedDataset
from sktextconv.training._device import autocast

from .._record import cpu_seconds, peak_mib, timed
from ..accuracy.cell import Cell, load

__all__ = [
    "LazyData",
    "configured",
    "fitter",
    "head",
    "in_fresh_process",
    "load_data",
    "peak_flops",
    "rates",
    "training_flops",
]


def rates(variants, *, rounds=5, warm_up=True, clock=cpu_seconds):
    """Run callables in turn, `rounds` times; return the amounts done per second.

    The default clock counts CPU time, with that of ended children; where threads,
    servers or a GPU matter, pass ``time.perf_counter``.
    """
    for run in variants.values() if warm_up else ():
        run()
    measured = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            start = clock()
            done = run()
            measured[name].append(done / (clock() - start))
    return measured


def peak_flops(dtype, *, size=2048, device="cpu", clock=cpu_seconds):
    """Measure floating-point operations per second of a large matrix product."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

    def multiply():
        for _ in range(3):
            a @ b
        return 3 * 2 * size**3

    return statistics.median(rates({"matmul": multiply}, clock=clock)["matmul"])


def in_fresh_process(run, *arguments):
    """Return CPU seconds of a call and the MiB that it added to peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (run, arguments))


def _measured(run, arguments):
    before = peak_mib()
    with timed() as seconds:
        run(*arguments)
    return seconds.cpu, peak_mib() - before


def training_flops(classifier, texts):
    """Return operations per text, forward and backward; None if torch misses some."""
    if isinstance(classifier, (KimCNNClassifier, RNNClassifier, HANClassifier)):
        return None
    net = classifier.net_
    network = net.module_.train()
    encoded = EncodedDataset(classifier.encoder_.encode(texts), net.device)
    counter = FlopCounterMode(display=False)
    with counter, autocast(net.device, net.precision):
        for rows in torch.arange(len(texts)).split(classifier._batch_size()):
            network(encoded.ids(rows)).sum().backward()
    network.zero_grad()
    return counter.get_total_flops() / len(texts)


def configured(classifier):
    """Set one epoch, one thread and a seed; return the classifier."""
    return classifier.set_params(max_epochs=1, n_jobs=1, random_state=0)


def fitter(classifier, texts, y):
    """Return a callable that trains one more epoch, encoding included."""
    configured(classifier).fit(texts, y)

    def run():
        classifier.set_params(warm_start=True).fit(texts, y)
        classifier.set_params(warm_start=False)
        return len(texts)

    return run


def head(labeled, n):
    """Return the first `n` texts and their labels."""
    texts, y = labeled
    return texts[:n], y[:n]


def load_data(short, names=("short", "long")):
    """Return short news (AG News, or a file) and long reviews (IMDB), shuffled."""
    data = LazyData(short)
    return {name: data[name] for name in names}


class LazyData(dict):
    """Texts and labels by name, as `load_data` returns them, read on first access."""

    def __init__(self, short):
        super().__init__()
        self.short = short

    def __missing__(self, name):
        dataset, path = {"short": ("ag_news", self.short), "long": ("imdb", None)}[name]
        bunch, _ = load(Cell(data=dataset, model="bow", train=path, test=path))
        order = np.random.RandomState(0).permutation(len(bunch.data))
        self[name] = [bunch.data[row] for row in order], bunch.target[order]
        return self[name]
