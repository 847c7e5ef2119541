"""Worker processes with a fixed number of threads, which end with their parent."""

import contextlib
import os
import signal
import threading
import time
from multiprocessing import resource_tracker

import joblib
from joblib.externals.loky import ProcessPoolExecutor, process_executor
from joblib.parallel import get_active_backend

__all__ = ["count_processes", "find_dask_client", "open_processes", "start_processes"]

_WATCH_SECONDS = 1.0


def count_processes(n_jobs, n_cores=None):
    """Return the number of processes for a parameter `n_jobs` that is not None.

    `n_cores` is the number for -1; None takes the cores of this machine.

    Raises
    ------
    ValueError
        If it is 0.
    """
    if n_jobs == 0:
        raise ValueError("Expected n_jobs below or above 0, got 0.")
    if n_jobs > 0:
        return n_jobs
    return max(1, (joblib.cpu_count() if n_cores is None else n_cores) + 1 + n_jobs)


def find_dask_client():
    """Return the client under ``joblib.parallel_config("dask")``, or None elsewhere."""
    backend, _ = get_active_backend()
    return getattr(backend, "client", None)


def start_processes(n_processes, *, n_threads=1):
    """Return an executor of processes that ignore Ctrl-C and end with this process.

    Ctrl-C reaches all processes of a terminal; this process must end the others.

    Parameters
    ----------
    n_processes : int
    n_threads : int, default=1
        Threads of numerical libraries in each process.

    Returns
    -------
    executor : ProcessPoolExecutor
        loky's; ``shutdown(kill_workers=True)`` ends processes that work.
    """
    environment = {
        f"{name}_NUM_THREADS": str(n_threads)
        for name in ("OMP", "MKL", "OPENBLAS", "VECLIB", "NUMEXPR")
    }
    executor = ProcessPoolExecutor(
        n_processes, initializer=_start, initargs=(os.getpid(),), env=environment
    )
    with _hold_ctrl_c():
        executor.submit(int)  # starts all processes
    return executor


@contextlib.contextmanager
def open_processes(n_processes, *, n_threads=1):
    """Start processes as `start_processes` does, for the block.

    They end with it: if it raises an error, at once, or else when they are idle.
    """
    executor = start_processes(n_processes, n_threads=n_threads)
    try:
        yield executor
    except BaseException:
        executor.shutdown(kill_workers=True)
        raise
    executor.shutdown()


@contextlib.contextmanager
def _hold_ctrl_c():
    """Delay Ctrl-C to the end of the block.

    Processes that are started inside inherit the mask, so that Ctrl-C does not reach
    them while they import their modules either.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # loky starts this process of the standard library, which would unblock the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(parent):
    """End this process when its parent has ended, even in the middle of a job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # loky takes a process that has loaded a model for one that leaks, and replaces it.
    process_executor._USE_PSUTIL = False

    def watch():
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
