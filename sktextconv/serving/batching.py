"""Requests that wait together are predicted together."""

import asyncio
import collections
from concurrent.futures import ThreadPoolExecutor

__all__ = ["Busy", "Worker"]


class Busy(Exception):
    """Too many requests wait already."""


class Worker:
    """Predict what waits, as much at a time as there is; never wait for more.

    While some texts are predicted, others arrive: these are the next batch. An idle
    worker takes a text at once. One thread does all the work, so that a classifier need
    not be safe to share.

    Parameters
    ----------
    predict : callable
        Takes a list of str and returns a sequence of one result for each.
    max_batch : int
        Texts predicted together, unless a request alone has more.
    max_waiting : int
        Requests that wait.

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
        self._waiting = collections.deque()  # of texts or None, call or None, future

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
        """Whether it takes requests."""
        return not self._task.done()

    async def predict(self, texts):
        """Return the results of some texts; `Busy` if too many requests wait."""
        return await self._enqueue(texts, None)

    async def run(self, function, *arguments):
        """Return what a function returns, called between batches."""
        return await self._enqueue(None, lambda: function(*arguments))

    async def _enqueue(self, texts, call):
        if len(self._waiting) >= self._max_waiting:
            raise Busy
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, call, future))
        self._arrived.set()
        return await future

    async def _work(self):
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                self._arrived.clear()
                continue
            try:
                await self._answer(batch)
            except asyncio.CancelledError:
                for *_, future in batch:
                    future.cancel()
                raise

    def _take(self):
        """Take the next call, or the texts up to it that make a batch."""
        batch, size = [], 0
        while self._waiting:
            texts, call, future = self._waiting[0]
            if future.done():  # nobody waits for it any more
                self._waiting.popleft()
                continue
            if batch and (call or size + len(texts) > self._max_batch):
                break
            batch.append(self._waiting.popleft())
            if call:
                break
            size += len(texts)
        return batch

    async def _answer(self, batch):
        (texts, call, future), *others = batch
        if call is None:
            texts = [text for texts, *_ in batch for text in texts]
        in_thread = asyncio.get_running_loop().run_in_executor
        try:
            found = await (
                in_thread(self._thread, call)
                if call
                else in_thread(self._thread, self._predict, texts)
            )
        except Exception as error:
            if not others:
                _settle(future, error=error)
            for one in batch if others else ():  # one fails, and not all
                await self._answer([one])
            return
        if call:
            _settle(future, found)
            return
        start = 0
        for texts, _, future in batch:
            _settle(future, found[start : start + len(texts)])
            start += len(texts)


def _settle(future, result=None, *, error=None):
    if future.done():  # cancelled, as its client has gone
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
