"""Records of benchmark runs: seconds of a block."""

import subprocess
import sys

from benchmarks._record import timed


def test_timed_counts_children_that_ended():
    """CPU seconds include those of child processes; wall seconds are elapsed time."""
    code = "import time; sum(range(10**7)); print(time.process_time())"
    with timed() as seconds:
        output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert seconds.cpu >= float(output)
    assert seconds.wall > 0
