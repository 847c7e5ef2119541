"""Execution of the cells of a comparison in processes, within a time budget."""

import math
import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

from joblib.externals.loky import ProcessPoolExecutor

from ._cell import fit_on, read_cell, run_task, write_cell

__all__ = ["Left", "Runner"]

_WATCH_SECONDS = 1.0
_MARGIN = 1.2  # of the seconds kept for the fit of the winner to all texts


class Left(NamedTuple):
    """Cell without a result: its model, division, fraction and the reason."""

    model: str
    split: int
    fraction: float
    reason: str


class _Job(NamedTuple):
    expected: float  # seconds, before they are scaled by measured ones
    task: object
    path: object


class Runner:
    """Processes that run tasks until a deadline.

    Parameters
    ----------
    data : Path
        File with the data.
    n_all : int
        Texts that the winner will be fitted to.
    n_jobs : int
        Number of processes.
    n_threads : int
        Threads in each.
    deadline : float
        Time of `time.monotonic` at which the winner must be fitted.
    report : callable
        ``report(line)`` is called with lines about the progress.
    """

    def __init__(self, data, n_all, *, n_jobs, n_threads, deadline, report):
        self._data, self._n_all, self._n_jobs = data, n_all, n_jobs
        self._deadline, self._report = deadline, report
        self._environment = {
            f"{name}_NUM_THREADS": str(n_threads)
            for name in ("OMP", "MKL", "OPENBLAS", "VECLIB", "NUMEXPR")
        }
        self._executor = None
        self._measured = self._expected = 0.0  # seconds of the finished cells
        self._lowest = math.inf, 0.0  # lowest error, seconds to fit its model to all

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def run(self, tasks):
        """Run tasks, the cheapest first; return the cells and those left.

        Parameters
        ----------
        tasks : list of (Task, Path, float)
            Task, file of its cell, and expected seconds on some machine.

        Returns
        -------
        cells : list of Cell
            Those that were in their files before come first.
        left : list of Left
        """
        cells, left, todo = [], [], []
        for task, path, expected in sorted(tasks, key=lambda each: each[2]):
            if path.exists():
                cells.append(read_cell(path))
                self._note(cells[-1])
            else:
                todo.append(_Job(expected, task, path))
        if cells:
            self._report(f"{len(cells)} of {len(tasks)} cells were done before")
        running = {}
        while todo or running:
            while todo and len(running) < self._n_jobs:
                job = todo.pop(0)
                if self._scaled(job.expected) >= self._seconds_left():
                    left.append(_left(job.task, "there was no time for it"))
                    continue
                running[self._submit(run_task, job.task)] = job, time.monotonic()
            done, _ = wait(running, self._timeout(), return_when=FIRST_COMPLETED)
            if running and not done:
                left += [
                    _left(job.task, "it was stopped at the end of the time")
                    for job, _ in running.values()
                ]
                self._stop()
                running = {}
            for future in done:
                job, start = running.pop(future)
                cell, reason = self._result(future)
                if cell is None:
                    left.append(_left(job.task, reason))
                    self._report(f"{job.task.model}: failed, {reason}")
                    continue
                write_cell(cell, job.path)
                cells.append(cell)
                self._measured += time.monotonic() - start
                self._expected += job.expected
                self._note(cell)
                ahead = [*todo, *(job for job, _ in running.values())]
                n_done = len(tasks) - len(ahead)
                self._report(
                    f"[{n_done}/{len(tasks)}] {_describe(cell)}{self._ahead(ahead)}"
                )
        return cells, left

    def fit(self, task):
        """Return the fitted estimator of a task, or None if the time is used up."""
        future = self._submit(fit_on, task)
        timeout = self._deadline - time.monotonic()
        done, _ = wait([future], None if timeout == math.inf else max(timeout, 0))
        if not done:
            self._stop()
            return None
        return future.result()

    def _result(self, future):
        """Return the cell of a future and None, or None and the reason why not."""
        try:
            return future.result(), None
        except BrokenProcessPool:
            self._stop()  # the next task starts new processes
            return None, "its process ended, perhaps for lack of memory"
        except Exception as error:
            text = " ".join(str(error).split())[:300]
            return None, f"{type(error).__name__}: {text}"

    def _submit(self, function, task):
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._n_jobs,
                initializer=_watch_parent,
                initargs=(os.getpid(),),
                env=self._environment,
            )
        return self._executor.submit(function, task, self._data)

    def _stop(self):
        """End the processes at once."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None

    def _note(self, cell):
        """Remember the seconds that a fit of the best model so far takes."""
        error, record = cell.record["error"], cell.record
        if cell.fraction == 1 and error < self._lowest[0]:
            growth = self._n_all / record["n_train"]
            self._lowest = error, _MARGIN * growth * record["seconds"]

    def _seconds_left(self):
        return self._deadline - self._lowest[1] - time.monotonic()

    def _timeout(self):
        left = self._seconds_left()
        return None if left == math.inf else max(left, 0)

    def _scaled(self, expected):
        return expected * self._measured / self._expected if self._expected else 0.0

    def _ahead(self, jobs):
        """Return the time that the jobs will take, as the end of a line."""
        if not jobs:
            return ""
        seconds = sum(self._scaled(job.expected) for job in jobs) / self._n_jobs
        return f"; about {_describe_seconds(seconds)} to go"


def _left(task, reason):
    return Left(task.model, task.split, task.fraction, reason)


def _describe(cell):
    of = "" if cell.fraction == 1 else f" on {cell.record['n_train']:,} texts"
    return (
        f"{cell.model}{of}: error {cell.record['error']:.2f} %, "
        f"{cell.record['train_cpu_seconds']:.1f} s of CPU"
    )


def _describe_seconds(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _watch_parent(parent):
    """End this process when its parent has ended, even in the middle of a task."""

    def watch():
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
