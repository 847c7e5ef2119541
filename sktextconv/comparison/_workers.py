"""Processes of this machine that run functions."""

import contextlib
import functools
import tempfile
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import joblib

from ..utils._processes import start_processes

__all__ = ["LOST", "LocalProcesses", "attempt", "describe_error"]

LOST = "its process ended, perhaps for lack of memory"


class LocalProcesses:
    """Processes of this machine, each of which runs one function at a time.

    Parameters
    ----------
    n_threads : int, default=1
        Threads of numerical libraries in each.
    fresh : bool, default=False
        Whether each function has a new process, so that its peak memory can be
        measured.
    """

    def __init__(self, *, n_threads=1, fresh=False):
        self._n_threads, self._fresh = n_threads, fresh
        self._idle, self._busy = [], {}  # executors of one process each; by future

    @contextlib.contextmanager
    def share(self, data):
        """Give data to all processes, for the block.

        Returns
        -------
        load : callable
            ``load()`` returns the data in a process, which reads them once.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "data.joblib")
            joblib.dump(data, path)
            yield functools.partial(_load, path)

    def submit(self, function, *arguments):
        """Start a call; return its `concurrent.futures.Future`."""
        while True:
            executor = self._idle.pop() if self._idle else None
            executor = executor or start_processes(1, n_threads=self._n_threads)
            try:
                future = executor.submit(attempt, function, arguments)
            except BrokenProcessPool:  # the process was killed while it was idle
                executor.shutdown(kill_workers=True)
                continue
            self._busy[future] = executor
            return future

    def result(self, future):
        """Return the result of a finished call and None, or None and the reason."""
        executor = self._busy.pop(future)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            executor.shutdown(kill_workers=True)
            return None, LOST
        if error is None:
            result, reason = future.result()
        else:  # the result cannot be sent
            result, reason = None, describe_error(error)
        if self._fresh:
            executor.shutdown(kill_workers=True)
        else:
            self._idle.append(executor)
        return result, reason

    def stop(self):
        """End all processes: those that work at once, the idle ones in order.

        Later calls have new ones.
        """
        for executor in self._busy.values():
            executor.shutdown(wait=True, kill_workers=True)
        for executor in self._idle:
            executor.shutdown(wait=True)
        self._idle, self._busy = [], {}


@functools.lru_cache(maxsize=1)
def _load(path):
    return joblib.load(path)


def attempt(function, arguments):
    """Return the result of a call and None, or None and the error as text.

    Also of SystemExit, which must not end the parent, and of errors that the parent
    could not unpickle.
    """
    try:
        return function(*arguments), None
    except BaseException as error:
        return None, describe_error(error)


def describe_error(error):
    """Return the type and the start of the message of an error."""
    text = " ".join(str(error).split())[:300]
    name = type(error).__name__
    return f"{name}: {text}" if text else name
