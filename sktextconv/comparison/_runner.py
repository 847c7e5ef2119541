"""Execution of jobs by workers, the cheapest first, within a time budget."""

import math
import time
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..utils._timing import describe_seconds
from ._workers import LocalProcesses

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
    """Workers that run jobs until a deadline.

    Parameters
    ----------
    workers : LocalProcesses or DaskWorkers, default=None
        None takes new processes of this machine with one thread each.
    n_jobs : int, default=1
        Number of jobs to run at the same time.
    deadline : float, default=inf
        Time of `time.monotonic` at which running jobs are stopped.
    report : callable
        ``report(line)`` is called with lines about the progress.

    Attributes
    ----------
    reserve : float
        Seconds that jobs leave free before the deadline, besides those of the start of
        a process.
    """

    def __init__(self, *, workers=None, n_jobs=1, deadline=math.inf, report):
        self._workers = workers or LocalProcesses()
        self._n_jobs, self._deadline, self._report = n_jobs, deadline, report
        self.reserve = 0.0
        self._measured = self._expected = 0.0  # seconds of the jobs with results
        self._start_seconds = 0.0  # the longest start of a process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._workers.stop()

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

        def keep(job, result):
            results.append(result)
            self._measured += job.seconds(result)
            self._expected += job.cost
            if on_result is not None:
                on_result(result)

        for job in jobs:
            found = job.read() if job.path.exists() and not redo else None
            if found is None:
                todo.append(job)
            else:
                keep(job, found)
        if results:
            self._report(f"{len(results)} of {len(jobs)} cells were done before")
        while todo or running:
            while todo and len(running) < self._n_jobs:
                job = todo.pop(0)
                if self._scale(job.cost) >= self._seconds_left():
                    missed.append(Missed(job, "there was no time for it", False))
                else:
                    running[self._workers.submit(job.run)] = job, time.monotonic()
            finished, _ = wait(
                running, _timeout(self._seconds_left()), return_when=FIRST_COMPLETED
            )
            if running and not finished:
                reason = "it was stopped at the end of the time"
                for job, _ in running.values():
                    missed.append(Missed(job, reason, False))
                    self._report(f"{job.path.stem}: {reason}")
                running = {}
                self._workers.stop()
            for future in finished:
                job, start = running.pop(future)
                result, reason = self._workers.result(future)
                if reason is not None:
                    missed.append(Missed(job, reason, True))
                    self._report(f"{job.path.stem}: {reason}")
                    continue
                job.write(result)
                keep(job, result)
                self._start_seconds = max(
                    self._start_seconds,
                    time.monotonic() - start - job.seconds(result),
                )
                ahead = [*todo, *(job for job, _ in running.values())]
                self._report(
                    f"[{len(jobs) - len(ahead)}/{len(jobs)}] {job.describe(result)}"
                    f"{self._describe_ahead(ahead)}"
                )
        return results, missed

    def call(self, function, *arguments):
        """Return the result of a function and None, or None and the reason why not."""
        future = self._workers.submit(function, *arguments)
        finished, _ = wait([future], _timeout(self._deadline - time.monotonic()))
        if not finished:
            return None, "there was no time for it"
        return self._workers.result(future)

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


def _timeout(seconds):
    """Return seconds as an argument of `wait`, which takes None for no limit."""
    return None if seconds == math.inf else max(seconds, 0.0)
