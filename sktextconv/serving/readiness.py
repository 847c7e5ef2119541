"""Readiness of an application, and its stop after the requests in progress."""

import asyncio
import contextlib
import signal
import threading

__all__ = ["GracefulStop", "Readiness"]

_STOP_SECONDS = 10  # to finish the requests in progress after a stop signal


class Readiness:
    """State of an application, which load balancers ask for, and its requests.

    Attributes
    ----------
    status : {"starting", "ready", "failed", "stopping"}
        "ready" from the first successful prediction to the stop; "failed" if it raised
        an error.
    """

    def __init__(self):
        self.status = "starting"
        self._n_running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_stopping(self):
        """Whether new requests are to be rejected."""
        return self.status == "stopping"

    def finish_start(self, *, failed):
        """Enter the state after the first prediction, unless the stop has begun."""
        if self.status == "starting":
            self.status = "failed" if failed else "ready"

    def stop(self):
        """Enter the last state."""
        self.status = "stopping"

    @contextlib.contextmanager
    def running(self):
        """Count a request as in progress."""
        self._n_running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._n_running -= 1
            if not self._n_running:
                self._idle.set()

    async def wait_idle(self, seconds):
        """Wait until no request is in progress, but not longer than a time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()


class GracefulStop:
    """ASGI application that finishes its requests before its server stops.

    A stop signal changes the readiness at once, but reaches the server, which then
    stops to listen, only when no request is in progress. Until then a load balancer can
    read that the application is not ready. A second Ctrl-C reaches the server at once.

    Parameters
    ----------
    app : FastAPI
        Application of `create_app`, in a server that handles stop signals by functions
        of the module `signal`, such as uvicorn.
    """

    def __init__(self, app):
        self._app = app
        self._tasks = set()

    async def __call__(self, scope, receive, send):
        # The lifespan lasts as long as the server, which has set its handlers before.
        main = threading.current_thread() is threading.main_thread()
        if scope["type"] != "lifespan" or not main:
            await self._app(scope, receive, send)
            return
        with self._delaying_signals(self._app.state.readiness):
            await self._app(scope, receive, send)

    @contextlib.contextmanager
    def _delaying_signals(self, readiness):
        """Handle stop signals before the handlers of the server."""
        from uvicorn.server import HANDLED_SIGNALS

        loop = asyncio.get_running_loop()
        handlers = {}

        async def forward(number):
            await readiness.wait_idle(_STOP_SECONDS)
            handlers[number](number, None)

        def start(number):
            task = loop.create_task(forward(number))
            self._tasks.add(task)  # the event loop alone does not keep it
            task.add_done_callback(self._tasks.discard)

        def handle(number, frame):
            if not readiness.is_stopping:
                readiness.stop()
                loop.call_soon_threadsafe(start, number)  # wakes the event loop
            elif number == signal.SIGINT:
                handlers[number](number, frame)
            # A service manager may send SIGTERM to all processes, each of which gets it
            # from its parent as well: a repeated SIGTERM is no hurry.

        for number in HANDLED_SIGNALS:
            handlers[number] = signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
