"""Dynamic batching: waiting requests are predicted together."""

import asyncio
import collections
from concurrent.futures import ThreadPoolExecutor

__all__ = ["BusyError", "Worker"]


class BusyError(Exception):
    """Error for a request that arrives when the queue is full."""


class Worker:
    """Queue of requests and a thread that predicts them in batches.

    Requests that arrive during a prediction form the next batch. The worker never waits
    to fill a batch, so an idle one predicts a request at once. A single thread makes
    all predictions: the classifier need not be thread-safe.

    Parameters
    ----------
    predict : callable
        Takes a list of str and returns a sequence of one result for each.
    max_batch : int
        Maximum number of texts in a batch, except for a single larger request.
    max_waiting : int
        Maximum number of waiting requests.

    Examples
    --------
    >>> import asyncio
    >>> async def main():
    ...     async with Worker(list, max_batch=8, max_waiting=8) as worker:
    ...         return await asyncio.gather(worker.predict("ab"), worker.run(len, "c"))
    >>> asyncio.run(main())
    [['a', 'b'], 1]
    """

    def __init__(self, predict, *, max_batch, max_waiting):
        self._predict = predict
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        # Tuples (texts, call, future), with either texts or call None.
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
        self._thread.shutdown()

    @property
    def is_alive(self):
        """Whether the worker accepts requests."""
        return not self._task.done()

    async def predict(self, texts):
        """Return the results of texts; raise `BusyError` if the queue is full."""
        return await self._enqueue(texts, None)

    async def run(self, function, *arguments):
        """Call a function between batches and return its result."""
        return await self._enqueue(None, lambda: function(*arguments))

    async def _enqueue(self, texts, call):
        """Add a request to the queue and return its result."""
        if len(self._waiting) >= self._max_waiting:
            raise BusyError
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, call, future))
        self._arrived.set()
        return await future

    async def _work(self):
        """Process batches until the task is canceled."""
        while True:
            await self._arrived.wait()
            batch = self._take()
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
        """Remove and return the next call, or a batch of requests before it."""
        batch, size = [], 0
        while self._waiting:
            texts, call, future = self._waiting[0]
            if future.done():  # canceled: the client has disconnected
                self._waiting.popleft()
                continue
            if batch and (call or size + len(texts) > self._max_batch):
                break
            batch.append(self._waiting.popleft())
            if call:
                break
            size += len(texts)
        return batch

    async def _process(self, batch):
        """Run a batch in the thread and set the results of its futures."""
        (texts, call, future), *others = batch
        if call is None:
            texts = [text for texts, *_ in batch for text in texts]
        in_thread = asyncio.get_running_loop().run_in_executor
        try:
            results = await (
                in_thread(self._thread, call)
                if call
                else in_thread(self._thread, self._predict, texts)
            )
        except Exception as error:
            if not others:
                _resolve(future, error=error)
            # Retry requests one by one, so that only the failing one gets the error.
            for request in batch if others else ():
                await self._process([request])
            return
        if call:
            _resolve(future, results)
            return
        start = 0
        for texts, _, future in batch:
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
