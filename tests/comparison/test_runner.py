"""Execution of jobs: order, time left."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import NamedTuple

from sktextconv.comparison._runner import Runner
from sktextconv.comparison._workers import LocalProcesses


class Sleep(NamedTuple):
    """Job that sleeps, and reports it as its work."""

    path: Path
    cost: float

    def run(self):
        time.sleep(0.1)
        return self.cost

    def read(self):
        return float(self.path.read_text())

    def write(self, result):
        self.path.write_text(str(result))

    def describe(self, result):
        return f"job {result:g}"

    def seconds(self, result):
        return result


class Pid(Sleep):
    """Job that returns the number of its process."""

    def run(self):
        return os.getpid()

    def describe(self, result):
        return ""


class OddError(Exception):
    """Error that cannot be unpickled: its constructor needs two arguments."""

    def __init__(self, place, number):
        super().__init__(f"{place} {number}")


class Failing(Sleep):
    """Job that raises an error."""

    def run(self):
        raise OddError("line", 3)


def test_runner_names_errors_of_any_kind(tmp_path):
    """An error that cannot be unpickled is told from a lack of memory."""
    with Runner(report=lambda line: None) as runner:
        _, missed = runner.run([Failing(tmp_path / "a", 1.0)])
        assert missed[0].reason == "OddError: line 3"
        assert runner.call(int, "3") == (3, None)


def interrupt_self():
    signal.raise_signal(signal.SIGINT)
    return "alive"


def test_runner_workers_ignore_ctrl_c():
    """Ctrl-C reaches all processes of a terminal; the parent ends the jobs."""
    with Runner(report=lambda line: None) as runner:
        assert runner.call(interrupt_self) == ("alive", None)


def test_runner_reports_cheapest_first_and_time_left(tmp_path):
    """The time left is that of the budget if the rest would take longer."""
    lines = []
    jobs = [Sleep(tmp_path / str(cost), cost) for cost in (90.0, 1.0, 2.0)]
    with Runner(report=lines.append, deadline=time.monotonic() + 85) as runner:
        results, missed = runner.run(jobs)
    assert results == [1.0, 2.0]
    assert lines[0].startswith("[1/3] job 1; about ")
    assert 10 <= int(lines[0].split("about ")[1].split(" s")[0]) <= 85
    ((job, reason, failed),) = missed
    assert (job.cost, failed) == (90.0, False)
    assert reason == "there was no time for it"


def test_runner_scales_by_results_of_files(tmp_path):
    """A job that cannot fit, as the seconds in files show, is not started."""
    done, slow = Sleep(tmp_path / "done", 1.0), Sleep(tmp_path / "slow", 30.0)
    done.write(1.0)
    with Runner(report=lambda line: None, deadline=time.monotonic() + 25) as runner:
        results, missed = runner.run([done, slow])
    assert results == [1.0]
    assert [(each.job, each.failed) for each in missed] == [(slow, False)]


def test_runner_replaces_worker_that_is_killed_while_idle():
    """The next call is made in a new process."""
    before = {*threading.enumerate()}
    with Runner(report=lambda line: None) as runner:
        pid, _ = runner.call(os.getpid)
        os.kill(pid, signal.SIGKILL)
        # The threads of the executor end once it knows.
        for thread in {*threading.enumerate()} - before:
            thread.join()
        assert runner.call(int, "3") == (3, None)


def test_runner_processes_are_fresh(tmp_path):
    """Each job has a process of its own if asked, and the same otherwise."""
    for fresh in (True, False):
        jobs = [Pid(tmp_path / f"{fresh}{n}", n) for n in (1.0, 2.0)]
        workers = LocalProcesses(fresh=fresh)
        with Runner(workers=workers, report=lambda line: None) as runner:
            results, _ = runner.run(jobs)
        assert len(set(results)) == (2 if fresh else 1)
