"""Execution of jobs in processes, the cheapest first, within a time budget."""

import math
import time
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..utils._processes import start_processes
from ..utils._timing import describe_seconds

__all__ = ["Job", "Missed", "Runner"]


class Job(Protocol):
    """Work whose result is kept in a file.

    Attributes
    ----------
    path : Path
        File of the result.
    cost : float
        Expected time, in seconds of some machine.
    """

    path: Path
    cost: float

    def run(self) -> Any:
        """Return the result; called in another process."""

    def read(self) -> Any:
        """Return the result in the file, or None if the file is damaged."""

    def write(self, result: Any) -> None:
        """Write the file, atomically."""

    def describe(self, result: Any) -> str:
        """Return a line about the result."""

    def seconds(self, result: Any) -> float:
        """Return the time that the work of `cost` took, without that of a start."""


class Missed(NamedTuple):
    """Job without a result, and the reason; `failed` unless there was no time."""

    job: Job
    reason: str
    failed: bool


class Runner:
    """Processes that run jobs until a deadline.

    Parameters
    ----------
    n_jobs : int, default=1
        Number of processes.
    n_threads : int, default=1
        Threads in each.
    deadline : float, default=inf
        Time of `time.monotonic` at which running jobs are stopped.
    report : callable
        ``report(line)`` is called with lines about the progress.
    fresh : bool, default=False
        Whether each job has a new process, so that its peak memory can be measured.

    Attributes
    ----------
    reserve : float
        Seconds that jobs leave free before the deadline, besides those of the start of
        a process.
    """

    def __init__(
        self, *, n_jobs=1, n_threads=1, deadline=math.inf, report, fresh=False
    ):
        self._n_jobs, self._deadline = n_jobs, deadline
        self._report, self._fresh, self._n_threads = report, fresh, n_threads
        self.reserve = 0.0
        self._idle, self._busy = [], {}  # executors of one process each; by future
        self._measured = self._expected = 0.0  # seconds of the finished jobs
        self._start_seconds = 0.0  # the longest start of a process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def run(self, jobs, *, on_result=None, redo=False):
        """Run the jobs whose files do not exist; return results and missed jobs.

        Parameters
        ----------
        jobs : list of Job
        on_result : callable or None, default=None
            ``on_result(result)`` is called with each result, also that of a file.
        redo : bool, default=False
            Whether to run the other jobs, too.

        Returns
        -------
        results : list
            Those of files come first.
        missed : list of Missed
        """
        jobs = sorted(jobs, key=lambda job: job.cost)
        results, missed, running, todo = [], [], {}, []

        def keep(result):
            results.append(result)
            if on_result is not None:
                on_result(result)

        for job in jobs:
            found = job.read() if job.path.exists() and not redo else None
            if found is None:
                todo.append(job)
            else:
                keep(found)
        if results:
            self._report(f"{len(results)} of {len(jobs)} cells were done before")
        while todo or running:
            while todo and len(running) < self._n_jobs:
                job = todo.pop(0)
                if self._scale(job.cost) >= self._seconds_left():
                    missed.append(Missed(job, "there was no time for it", False))
                else:
                    running[self._submit(job.run)] = job, time.monotonic()
            finished, _ = wait(
                running, _timeout(self._seconds_left()), return_when=FIRST_COMPLETED
            )
            if running and not finished:
                reason = "it was stopped at the end of the time"
                for job, _ in running.values():
                    missed.append(Missed(job, reason, False))
                    self._report(f"{job.path.stem}: {reason}")
                running = {}
                self._stop()
            for future in finished:
                job, start = running.pop(future)
                result, reason = self._result(future)
                if reason is not None:
                    missed.append(Missed(job, reason, True))
                    self._report(f"{job.path.stem}: {reason}")
                    continue
                job.write(result)
                keep(result)
                seconds = job.seconds(result)
                self._measured += seconds
                self._start_seconds = max(
                    self._start_seconds, time.monotonic() - start - seconds
                )
                self._expected += job.cost
                ahead = [*todo, *(job for job, _ in running.values())]
                self._report(
                    f"[{len(jobs) - len(ahead)}/{len(jobs)}] {job.describe(result)}"
                    f"{self._describe_ahead(ahead)}"
                )
        return results, missed

    def call(self, function, *arguments):
        """Return the result of a function and None, or None and the reason why not."""
        future = self._submit(function, *arguments)
        finished, _ = wait([future], _timeout(self._deadline - time.monotonic()))
        return self._result(future) if finished else (None, "there was no time for it")

    def _submit(self, function, *arguments):
        executor = self._idle.pop() if self._idle else None
        executor = executor or start_processes(1, n_threads=self._n_threads)
        future = executor.submit(_attempt, function, arguments)
        self._busy[future] = executor
        return future

    def _result(self, future):
        """Return the result of a job and None, or None and the reason why not."""
        executor = self._busy.pop(future)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            executor.shutdown(kill_workers=True)
            return None, "its process ended, perhaps for lack of memory"
        if error is None:
            result, reason = future.result()
        else:  # the result cannot be sent
            result, reason = None, _describe_error(error)
        if self._fresh:
            executor.shutdown(kill_workers=True)
        else:
            self._idle.append(executor)
        return result, reason

    def _stop(self):
        """End all processes: those that work at once, the idle ones in order."""
        for executor in self._busy.values():
            executor.shutdown(wait=True, kill_workers=True)
        for executor in self._idle:
            executor.shutdown(wait=True)
        self._idle, self._busy = [], {}

    def _seconds_left(self):
        """Return the seconds until running jobs are stopped."""
        # A later call may need a new process, and start times vary.
        reserve = self.reserve + 2 * self._start_seconds if self.reserve else 0.0
        return self._deadline - reserve - time.monotonic()

    def _scale(self, cost):
        """Return a cost in seconds of this machine, or 0 before any is measured."""
        return cost * self._measured / self._expected if self._expected else 0.0

    def _describe_ahead(self, jobs):
        """Return the time that jobs will take, as the end of a line."""
        if not jobs:
            return ""
        seconds = sum(self._scale(job.cost) for job in jobs) / self._n_jobs
        seconds = min(seconds, max(self._seconds_left(), 0.0))
        return f"; about {describe_seconds(seconds)} to go"


def _attempt(function, arguments):
    """Return the result of a call and None, or None and the error as text.

    Also of SystemExit, which must not end the parent, and of errors that the parent
    could not unpickle.
    """
    try:
        return function(*arguments), None
    except BaseException as error:
        return None, _describe_error(error)


def _describe_error(error):
    text = " ".join(str(error).split())[:300]
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _timeout(seconds):
    """Return seconds as an argument of `wait`, which takes None for no limit."""
    return None if seconds == math.inf else max(seconds, 0.0)
