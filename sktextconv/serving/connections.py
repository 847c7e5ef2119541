"""Connections of the HTTP server, with time limits for their clients."""

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["SERVER_OPTIONS"]

_HEAD_SECONDS = 10  # to send the first lines of a request
_WRITE_SECONDS = 30  # to read what the server has sent


class Connection(H11Protocol):
    """Connection that closes if its client sends or reads nothing for too long.

    If the server has its maximum number of connections, a new one takes the place of
    the one that has waited longest for a request. uvicorn alone waits without limit for
    the first request, and counts such connections as running requests.
    """

    def connection_made(self, transport):
        super().connection_made(transport)
        self._timers = {}
        self._idle_since = self.loop.time()
        self._start_timer("head", _HEAD_SECONDS, transport.close)
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def connection_lost(self, exc):
        for name in ("head", "write"):
            self._stop_timer(name)
        super().connection_lost(exc)

    def data_received(self, data):
        super().data_received(data)
        if self._is_idle:
            # Only the first bytes of a request start the timer: later ones do not
            # extend the time.
            self._start_timer("head", _HEAD_SECONDS, self.transport.close)
        else:
            self._stop_timer("head")

    def on_response_complete(self):
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self):
        super().pause_writing()
        self._start_timer("write", _WRITE_SECONDS, self.transport.abort)

    def resume_writing(self):
        super().resume_writing()
        self._stop_timer("write")

    @property
    def _is_idle(self):
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self):
        """Close the connection that has waited longest, if another one waits."""
        idle = [each for each in self.connections if each._is_idle and each is not self]
        if idle:
            oldest = min(idle, key=lambda each: each._idle_since)
            # An aborted connection removes itself later, too late for uvicorn's count.
            self.connections.discard(oldest)
            oldest.transport.abort()

    def _start_timer(self, name, seconds, callback):
        if name not in self._timers:
            self._timers[name] = self.loop.call_later(seconds, callback)

    def _stop_timer(self, name):
        if timer := self._timers.pop(name, None):
            timer.cancel()


# Arguments of `uvicorn.run`, besides the application and its address.
SERVER_OPTIONS = {
    "http": Connection,
    "ws": "none",
    "server_header": False,
    "limit_concurrency": 256,  # connections; requests of further ones get status 503
    # Seconds for requests that `GracefulStop` has not waited for.
    "timeout_graceful_shutdown": 1,
}
