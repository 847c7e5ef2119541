"""Prediction of parts by this process, by other processes, or by Dask workers."""

import concurrent.futures
from concurrent.futures.process import BrokenProcessPool

from ..utils._optional_dependencies import require
from ._output import print_line
from ._part_output import Outcome, forget, predict_part

__all__ = ["LostWorkerError", "predict_here", "predict_in_processes", "predict_on_dask"]

_CONNECT_SECONDS = 10


class LostWorkerError(RuntimeError):
    """Error for the end of workers before that of their parts."""


def predict_here(parts):
    """Yield each part with its outcome; this process predicts."""
    try:
        for part in parts:
            yield part, predict_part(part)
    finally:
        forget()


def predict_in_processes(parts, n_processes):
    """Yield each part with its outcome, in the order in which they are done.

    Closing the generator ends the processes, even in the middle of a part.

    Raises
    ------
    LostWorkerError
        After the outcomes of all finished parts, if a process was killed.
    """
    # joblib is imported here because a server of ONNX files may lack it.
    from ..utils._processes import open_processes

    with open_processes(n_processes) as executor:
        futures = {executor.submit(predict_part, part): part for part in parts}
        lost = None
        for future in concurrent.futures.as_completed(futures):
            try:
                outcome = future.result()
            except BrokenProcessPool as error:
                lost = error
            else:
                yield futures[future], outcome
        if lost is not None:
            raise LostWorkerError(
                "a worker process was killed, perhaps for lack of memory"
            ) from lost


def predict_on_dask(parts, address):
    """Yield each part with its outcome, in the order in which they are done.

    Closing the generator cancels the parts that no worker has begun.

    Raises
    ------
    LostWorkerError
        If the scheduler ends.
    """
    distributed = require("distributed", by="--scheduler", extra="dask")
    try:
        client = distributed.Client(
            address, timeout=_CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise ValueError(
            f"--scheduler {address}: expected the address of a running Dask scheduler, "
            f"such as tcp://10.0.0.1:8786, got: {error}"
        ) from error
    with client:
        if not client.nthreads():
            print_line(f"waiting for workers of {address}")
        # Workers may have finished a part before the scheduler loses them: a part is
        # a function of its files, so that it can be predicted again.
        futures = client.map(predict_part, parts, pure=False)
        part_of = dict(zip((future.key for future in futures), parts, strict=True))
        is_complete = False
        try:
            for future in distributed.as_completed(futures, loop=client.loop):
                yield part_of[future.key], _dask_outcome(future, distributed)
            is_complete = True
        finally:
            if not is_complete:
                client.cancel(futures)


def _dask_outcome(future, distributed):
    """Return the outcome of a future, also if the part has killed its workers."""
    try:
        return future.result()
    except distributed.KilledWorker:
        return Outcome(
            "the workers that tried it were killed, perhaps for lack of memory"
        )
    except concurrent.futures.CancelledError as error:
        raise LostWorkerError("the Dask scheduler was lost") from error
