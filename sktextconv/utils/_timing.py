"""Measurement of elapsed time and of CPU time."""

import contextlib
import time
from dataclasses import dataclass

try:
    import resource
except ImportError:  # not on Windows
    resource = None

__all__ = ["Seconds", "cpu_seconds", "describe_seconds", "timed"]


def cpu_seconds():
    """Return the CPU time of this process and of its children that have ended.

    User and system time of all threads, in seconds. Other programs on the machine
    prolong the elapsed time, but hardly this one.
    """
    own = time.process_time()
    if resource is None:
        return own
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own + children.ru_utime + children.ru_stime


def describe_seconds(seconds):
    """Return a time with its unit, about as exact as an estimate."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@dataclass
class Seconds:
    """Time of a block: elapsed (`wall`) and CPU time with children (`cpu`)."""

    wall: float = 0.0
    cpu: float = 0.0


@contextlib.contextmanager
def timed():
    """Measure a block; the yielded `Seconds` hold its time afterwards."""
    found = Seconds()
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield found
    found.wall, found.cpu = time.perf_counter() - wall, cpu_seconds() - cpu
