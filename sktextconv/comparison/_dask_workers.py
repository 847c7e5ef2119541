"""Workers of a Dask cluster that run functions."""

import contextlib
import ctypes
import functools
import os
import sys
import threading
import uuid
from concurrent.futures import CancelledError

from distributed import KilledWorker, WorkerPlugin, get_worker
from threadpoolctl import threadpool_limits

from ._workers import LOST, attempt, describe_error

__all__ = ["DaskWorkers"]


class DaskWorkers:
    """Workers of a Dask cluster, with the methods of `LocalProcesses`.

    A process runs one function at a time, with one thread of numerical libraries. If a
    worker ends, Dask calls its function again on another one.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client):
        self._client = client
        self._name = f"sktextconv-{uuid.uuid4()}"  # of these calls and of their data
        self._executor, self._busy = None, set()

    @property
    def n_workers(self):
        """Number of workers that the cluster has now."""
        return len(self._client.nthreads())

    @contextlib.contextmanager
    def share(self, data):
        """Send data to each worker once, also to those that join during the block."""
        # Dask would drop copies of scattered data that no task uses at the moment, and
        # cannot replace the last copy if its worker ends.
        self._client.register_plugin(_Data(data), name=self._name)
        try:
            yield functools.partial(_find_data, self._name)
        finally:
            self._client.unregister_worker_plugin(self._name)

    def submit(self, function, *arguments):
        self._executor = self._executor or self._client.get_executor(pure=False)
        # As one object, because Dask would search arguments for futures.
        call = functools.partial(_run_alone, self._name, function, arguments)
        future = self._executor.submit(call)
        self._busy.add(future)
        return future

    def result(self, future):
        self._busy.remove(future)
        try:
            return future.result()
        except KilledWorker:
            return None, LOST
        except CancelledError:
            return None, "the Dask scheduler was lost"
        except Exception as error:  # the result cannot be sent
            return None, describe_error(error)

    def stop(self):
        """Cancel all calls, and interrupt those that have begun."""
        if self._busy:
            self._executor.shutdown(wait=False)
            self._client.run(_interrupt, self._name, on_error="ignore")
        self._executor, self._busy = None, set()


class _Data(WorkerPlugin):
    """Data that each worker holds."""

    def __init__(self, data):
        self.data = data


def _find_data(name):
    return get_worker().plugins[name].data


class _StoppedError(BaseException):
    """Error that ends a call which its client has canceled."""


# CPU time, warnings, and limits of threads belong to the process, and a worker may have
# several threads.
_turn = threading.Lock()

# Names of the `DaskWorkers` whose calls this process runs, by thread.
_names = {}
_names_lock = threading.Lock()


def _run_alone(name, function, arguments):
    """Return what `attempt` does, with one thread, while no other call runs here."""
    thread = threading.get_ident()
    with _names_lock:
        _names[thread] = name
    try:
        with _turn, _one_thread():
            return attempt(function, arguments)
    finally:
        with _names_lock:
            _names.pop(thread, None)


@contextlib.contextmanager
def _one_thread():
    """Give numerical libraries one thread, also torch if the block imports it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))
        if "torch" in sys.modules:
            from ..training._torch_defaults import torch_defaults

            stack.enter_context(torch_defaults(1))
        elif "OMP_NUM_THREADS" not in os.environ:  # in a worker without a nanny
            os.environ["OMP_NUM_THREADS"] = "1"
            stack.callback(os.environ.pop, "OMP_NUM_THREADS", None)
        yield


def _interrupt(name):
    """Raise an error in the threads of this process that run calls of a name.

    Dask cannot interrupt a thread, which would keep its worker from later calls, such
    as the fit of the winner. A call of a numerical library ends first.
    """
    with _names_lock:
        for thread in [each for each, of in _names.items() if of == name]:
            del _names[thread]
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(_StoppedError)
            )
