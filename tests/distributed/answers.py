"""Classifiers and texts for workers, which import this module and little else."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_info, threadpool_limits


class Shortest(ClassifierMixin, BaseEstimator):
    """Classifier that gives texts the class of the shortest training text."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.answer_ = y[np.argmin([len(text) for text in X])]
        return self

    def predict(self, X):
        return np.full(len(X), self.answer_)


class Killer(Shortest):
    """Classifier that ends its process as often as a folder has files; it deletes one.

    Without a folder, it always does.
    """

    def __init__(self, folder=None):
        self.folder = folder

    def fit(self, X, y):
        paths = [] if self.folder is None else list(Path(self.folder).iterdir())
        for path in paths[:1]:
            path.unlink()
        if paths or self.folder is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Endless(Shortest):
    """Classifier that trains in short steps and does not end."""

    def fit(self, X, y):
        while True:
            time.sleep(0.01)


class HalfSecond(Shortest):
    """Classifier that trains for half a second."""

    def fit(self, X, y):
        time.sleep(0.5)
        return super().fit(X, y)


class OneThread(Shortest):
    """Classifier that fails unless torch and all other libraries have one thread."""

    def fit(self, X, y):
        assert {each["num_threads"] for each in threadpool_info()} == {1}
        assert sys.modules["torch"].get_num_threads() == 1
        return super().fit(X, y)


def set_threads(n_threads):
    """Set the number of threads; return the one that torch had."""
    import torch

    before = torch.get_num_threads()
    threadpool_limits(n_threads)
    torch.set_num_threads(n_threads)
    return before


class CountedText(str):
    """Text that counts how many a process receives."""

    n_received = 0

    def __reduce__(self):
        return receive, (str(self),)


def receive(text):
    CountedText.n_received += 1
    return CountedText(text)


def count_received():
    return CountedText.n_received


def count_plugins(dask_worker):
    return sum(name.startswith("sktextconv") for name in dask_worker.plugins)
