"""Dynamic batching: waiting requests for a model are predicted together."""

import asyncio
import collections
from concurrent.futures import ThreadPoolExecutor

__all__ = ["BusyError", "Worker"]


class BusyError(Exception):
    """Error for a request that arrives when the queue is full."""


class Worker:
    """Queue of requests and a thread that predicts them in batches.

    Requests that arrive during a prediction form the next batches, one for each model.
    The worker never waits to fill a batch, so an idle one predicts a request at once. A
    single thread makes all predictions: the classifiers need not be thread-safe.

    Parameters
    ----------
    max_batch : int
        Maximum number of texts in a batch, except for a single larger request.
    max_waiting : int
        Maximum number of waiting requests.
    metrics : Metrics, default=None
        Metrics of batches and waiting requests.

    Examples
    --------
    >>> import asyncio
    >>> async def main():
    ...     async with Worker(max_batch=8, max_waiting=8) as worker:
    ...         calls = worker.predict(list, "ab"), worker.run(len, "c")
    ...         return await asyncio.gather(*calls)
    >>> asyncio.run(main())
    [['a', 'b'], 1]
    """

    def __init__(self, *, max_batch, max_waiting, metrics=None):
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._metrics = metrics
        # Tuples (function, texts, future); texts are None for a call by itself.
        self._waiting = collections.deque()

    async def __aenter__(self):
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sktextconv")
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for *_, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        self._count_waiting()
        self._thread.shutdown()

    @property
    def is_alive(self):
        """Whether the worker accepts requests."""
        return not self._task.done()

    async def predict(self, function, texts):
        """Return the results of texts; raise `BusyError` if the queue is full.

        Parameters
        ----------
        function : callable
            Takes a list of str and returns a sequence of one result for each. Equal
            functions share batches.
        texts : list of str
        """
        return await self._enqueue(function, texts)

    async def run(self, function, *arguments):
        """Call a function between batches and return its result."""
        return await self._enqueue(lambda: function(*arguments), None)

    async def _enqueue(self, function, texts):
        """Add a request to the queue and return its result."""
        if len(self._waiting) >= self._max_waiting:
            raise BusyError
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((function, texts, future))
        self._count_waiting()
        self._arrived.set()
        return await future

    def _count_waiting(self):
        if self._metrics is not None:
            self._metrics.waiting.set(len(self._waiting))

    async def _work(self):
        """Process batches until the task is canceled."""
        while True:
            await self._arrived.wait()
            batch = self._take()
            self._count_waiting()
            if not batch:
                self._arrived.clear()
                continue
            try:
                await self._process(batch)
            except asyncio.CancelledError:
                for *_, future in batch:
                    future.cancel()
                raise

    def _take(self):
        """Remove and return the next call, or requests for the same model."""
        batch, others, size = [], [], 0
        while self._waiting:
            request = self._waiting.popleft()
            function, texts, future = request
            if future.done():  # canceled: the client has disconnected
                continue
            if not batch:
                batch.append(request)
                if texts is None:
                    break
            elif texts is None or function != batch[0][0]:
                others.append(request)
                continue
            elif size + len(texts) > self._max_batch:
                others.append(request)
                break
            else:
                batch.append(request)
            size += len(texts)
        self._waiting.extendleft(reversed(others))
        return batch

    async def _process(self, batch):
        """Run a batch in the thread and set the results of its futures."""
        (function, first, future), *others = batch
        arguments = []
        if first is not None:
            arguments.append([text for _, texts, _ in batch for text in texts])
            if self._metrics is not None:
                self._metrics.batch.observe(len(arguments[0]))
        in_thread = asyncio.get_running_loop().run_in_executor
        try:
            results = await in_thread(self._thread, function, *arguments)
        except Exception as error:
            if not others:
                _resolve(future, error=error)
            # Retry requests one by one, so that only the failing one gets the error.
            for request in batch if others else ():
                await self._process([request])
            return
        if first is None:
            _resolve(future, results)
            return
        start = 0
        for _, texts, future in batch:
            _resolve(future, results[start : start + len(texts)])
            start += len(texts)


def _resolve(future, result=None, *, error=None):
    """Set the result or error of a future unless it is canceled."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
