"""One or several server processes behind one port, run by uvicorn."""

import contextlib
import functools
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess

from .connections import SERVER_OPTIONS

__all__ = ["run"]

# A worker that does not answer its parent for so long is replaced. Importing PyTorch on
# a busy machine may take seconds in which no other thread of the process runs.
_HANG_SECONDS = 30

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_LOGGER = logging.getLogger("uvicorn.error")


def run(make_app, *, host, port, workers, metrics):
    """Serve an application until a stop signal.

    Parameters
    ----------
    make_app : callable
        Returns the application. With several workers it can be pickled and takes
        `n_jobs`, the number of threads of a worker.
    host : str
    port : int
    workers : int
    metrics : bool
        Whether the workers share a folder for their metrics.

    Raises
    ------
    RuntimeError
        If a worker cannot make its application.
    SystemExit
        If the address is not available.
    """
    options = {"host": host, "port": port, **SERVER_OPTIONS}
    if workers == 1:
        # Older versions of uvicorn raise KeyboardInterrupt again after the shutdown.
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.run(make_app(), workers=1, **options)
        return
    n_threads = max(1, _count_cores() // workers)
    config = uvicorn.Config(
        functools.partial(_make_worker_app, make_app, n_jobs=n_threads),
        factory=True,
        workers=workers,
        timeout_worker_healthcheck=_HANG_SECONDS,
        **options,
    )
    with contextlib.ExitStack() as stack:
        variables = {}  # which the workers inherit
        if "OMP_NUM_THREADS" not in os.environ:
            variables["OMP_NUM_THREADS"] = str(n_threads)
        if metrics:
            prefix = "sktextconv-metrics-"
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))
            # Only the first import of prometheus_client in a process reads it.
            variables[_METRICS_FOLDER] = folder
        stack.enter_context(_environment(variables))
        listener = stack.enter_context(_bind(config))
        stack.enter_context(_restored_signals())
        supervisor = _Supervisor(config, sockets=[listener])
        supervisor.run()
    if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes):
        raise RuntimeError("A worker process could not start; see the log above.")


def _bind(config):
    """Return the socket of the workers."""
    listener = config.bind_socket()
    # Connections inherit it. asyncio sets it only for sockets of its own: without it,
    # the second of two small writes waits for the client, often for 40 milliseconds.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Supervisor(Multiprocess):
    """Parent process that removes the present metrics of a worker that has died."""

    def keep_subprocess_alive(self):
        before = {each.pid for each in self.processes}
        super().keep_subprocess_alive()
        if folder := os.environ.get(_METRICS_FOLDER):
            for pid in before - {each.pid for each in self.processes}:
                # As `mark_process_dead` of prometheus_client.
                for path in Path(folder).glob(f"gauge_live*_{pid}.db"):
                    path.unlink(missing_ok=True)


def _make_worker_app(make_app, *, n_jobs):
    """Return the application of a worker, which ends after its parent.

    An error ends the process with the exit code that ends the parent: another process
    would have the same error.
    """
    parent = multiprocessing.parent_process()

    def follow_parent():
        multiprocessing.connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow_parent, daemon=True).start()
    try:
        return make_app(n_jobs=n_jobs)
    except Exception as error:
        _LOGGER.error("%s: %s", type(error).__name__, error)
        # Meanwhile a thread of uvicorn answers the parent, which waits for the answer
        # for `_HANG_SECONDS`, even of a process that is ending or has ended.
        time.sleep(1)
        os._exit(STARTUP_FAILURE)


def _count_cores():
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _environment(variables):
    """Set environment variables of this process and restore them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _restored_signals():
    """Restore the handlers of signals, which the supervisor replaces for good."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
