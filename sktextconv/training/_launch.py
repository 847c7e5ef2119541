"""Fits in several worker processes, of this machine or of a Dask cluster."""

import multiprocessing
import os
import socket
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool

import joblib
import numpy as np
from torch import distributed

from ..utils._processes import find_dask_client, open_processes
from ._ranks import LostProcessError, connect, find_ranks

__all__ = ["fit_in_workers", "needs_workers"]

_HERE = "127.0.0.1"
_NOTICE_SECONDS = 10  # in which an executor sees that a process has ended

# Servers by which worker processes find each other, by port.
_servers = {}


def needs_workers(estimator):
    """Return whether a fit starts processes: not in a process that others started."""
    return (
        (estimator.n_workers or 1) > 1
        and multiprocessing.parent_process() is None
        and find_ranks().size == 1
    )


def fit_in_workers(estimator, X, y, sample_weight):
    """Return the estimator as `n_workers` processes have fitted it together.

    They are workers of the Dask cluster under ``joblib.parallel_config("dask")``, and
    otherwise new processes on this machine.

    Raises
    ------
    ValueError
        If the machine has fewer cores, or the cluster fewer worker processes.
    LostProcessError
        If a process ends.
    """
    client = find_dask_client()
    data = (X, y, sample_weight)
    fitted = (
        _fit_here(estimator, data)
        if client is None
        else _fit_on_cluster(client, estimator, data)
    )
    if isinstance(estimator.random_state, np.random.RandomState):
        # The next fit draws other numbers, as after a fit in this process.
        estimator.random_state.set_state(fitted.random_state.get_state())
    return fitted


def _fit_here(estimator, data):
    n_workers, n_cores = int(estimator.n_workers), os.cpu_count() or 1
    if n_workers > n_cores:
        raise ValueError(
            f"The 'n_workers' parameter of {type(estimator).__name__} must be at most "
            f"{n_cores}, the number of cores of this machine. Got {n_workers} instead."
        )
    port = _start_server(_HERE)
    n_threads = max(joblib.cpu_count() // n_workers, 1)
    try:
        with open_processes(n_workers, n_threads=n_threads) as executor:
            fits = [
                executor.submit(_fit, estimator, data, rank, _HERE, port)
                for rank in range(n_workers)
            ]
            return _first_result(fits)
    except BrokenProcessPool as error:
        raise LostProcessError(
            f"Expected {n_workers} processes to train together, but one of them has "
            "ended: the system may have had too little memory. Set fewer n_workers; "
            "with a checkpoint and resume=True, fit continues."
        ) from error
    finally:
        _stop_server(port)


def _first_result(fits):
    """Wait for all fits; return the result of the first."""
    try:
        fitted, *_ = [fit.result() for fit in fits]
    except LostProcessError:
        # Another process may notice the end of one before the executor does.
        for fit in wait(fits, timeout=_NOTICE_SECONDS).done:
            if isinstance(fit.exception(), BrokenProcessPool):
                fit.result()
        raise
    return fitted


def _fit_on_cluster(client, estimator, data):
    n_workers = int(estimator.n_workers)
    # Several workers may be threads of one process, which has one process group.
    # One that has just ended does not answer, though the scheduler may not know yet.
    processes = client.run(_find_process, on_error="ignore")
    workers = list({process: name for name, process in processes.items()}.values())
    if len(workers) < n_workers:
        raise ValueError(
            f"Expected a Dask cluster with n_workers={n_workers} worker processes or "
            f"more, got {len(workers)}. Set fewer n_workers, or start more workers."
        )
    host = client.scheduler_info(n_workers=-1)["workers"][workers[0]]["host"]

    def submit(function, *arguments, worker):
        return client.submit(function, *arguments, workers=[worker], pure=False)

    port = submit(_start_server, host, worker=workers[0]).result()
    fits = []
    try:
        fits = [
            submit(_fit, estimator, data, rank, host, port, worker=workers[rank])
            for rank in range(n_workers)
        ]
        return client.gather(fits)[0]
    finally:
        client.cancel(fits)
        client.run(_stop_server, port, workers=workers[:1], on_error="ignore")


def _find_process():
    return socket.gethostname(), os.getpid()


def _start_server(host):
    """Start a server in this process, and return its port."""
    server = distributed.TCPStore(host, 0, is_master=True, wait_for_workers=False)
    _servers[server.port] = server
    return server.port


def _stop_server(port):
    _servers.pop(port, None)


def _fit(estimator, data, rank, host, port):
    """Fit in one of the processes; return the estimator from process 0."""
    with connect(rank, int(estimator.n_workers), host, port):
        estimator.fit(*data)
    return estimator if rank == 0 else None
