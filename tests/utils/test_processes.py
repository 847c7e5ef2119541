"""Worker processes: number, threads, Ctrl-C."""

import os
import signal

import joblib
import pytest
from joblib.externals.loky import process_executor

from sktextconv.utils._processes import (
    _hold_ctrl_c,
    count_processes,
    open_processes,
    start_processes,
)


def test_count_processes():
    """Negative numbers leave cores out, as in joblib."""
    n_cores = joblib.cpu_count()
    assert [count_processes(n) for n in (1, 3, -1, -n_cores)] == [1, 3, n_cores, 1]
    assert count_processes(-n_cores - 5) == 1
    with pytest.raises(ValueError, match="Expected n_jobs below or above 0, got 0"):
        count_processes(0)


def test_processes_have_one_thread_and_block_ctrl_c():
    """Ctrl-C does not reach a process that still imports its modules."""
    executor = start_processes(1)
    try:
        blocked = executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, [])
        assert signal.SIGINT in blocked.result()
        assert executor.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    finally:
        executor.shutdown(wait=True)


HELD = []


def hold_memory():
    """Hold more memory than loky lets a process add, of which it looks at once."""
    process_executor._MEMORY_LEAK_CHECK_DELAY = 0
    HELD.append(b"x" * (process_executor._MAX_MEMORY_LEAK_SIZE * 5 // 4))
    return os.getpid()


def test_processes_may_hold_large_models():
    """A process is not replaced because its memory grows, and it keeps the model."""
    pytest.importorskip("psutil", reason="loky measures memory with it")
    with open_processes(1) as executor:
        first = executor.submit(hold_memory).result(timeout=60)
        assert executor.submit(os.getpid).result(timeout=60) == first


@pytest.fixture
def ctrl_c():
    """Python's handler of Ctrl-C, which programs in the background do not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_held_ctrl_c_comes_later():
    seen = []

    def interrupt():
        with _hold_ctrl_c():
            signal.raise_signal(signal.SIGINT)
            seen.append("end of the block")

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert seen == ["end of the block"]
