"""Middleware that rejects unsafe requests and adds security headers to responses."""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

__all__ = ["HEADERS", "RETRY_HEADERS", "SecurityMiddleware"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # texts may be confidential
}

RETRY_HEADERS = {"Retry-After": "1"}  # seconds

# Routes that are answered while the server stops.
_PROBES = ("/healthz", "/readyz", "/metrics")

_BODY_SECONDS = 30  # time limit for receiving a body
_MAX_DISCARDED = 2**26  # bytes of a rejected body


class SecurityMiddleware:
    """ASGI middleware that limits requests and adds security headers to responses.

    It rejects cross-site requests, bodies that are too large or arrive too slowly, and
    all requests but those for the state of the server while the server stops.
    It reads the whole body first and counts its bytes, with or without a
    Content-Length. It reads on after a rejection, within bounds, and then closes the
    connection: a client may read the response only after it has sent everything.

    Parameters
    ----------
    app : ASGI application
    max_body : int
        Maximum size of a body in bytes.
    readiness : Readiness
        Says whether the server stops; counts the requests in progress.
    """

    def __init__(self, app, *, max_body, readiness):
        self._app = app
        self._max_body = max_body
        self._readiness = readiness

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if self._readiness.is_stopping and scope["path"] not in _PROBES:
            reject = _reject(503, "Stopping. Try again later.")
            await reject(scope, receive, send_with_headers)
            return
        with self._readiness.running():
            app, receive = await self._check_request(scope, receive)
            await app(scope, receive, send_with_headers)

    async def _check_request(self, scope, receive):
        """Return the application that responds, and `receive` with the buffered body.

        For a rejected request, the application is the error response, and `receive`
        reads the rest of the body, or is None if there is none.
        """
        headers = Headers(scope=scope)
        # Browsers mark forms of other sites by this header; other clients omit it.
        site = headers.get("sec-fetch-site", "none")
        if scope["method"] not in ("GET", "HEAD") and site not in (
            "none",
            "same-origin",
        ):
            detail = "Expected a request from this page, got another."
            return _reject(403, detail), receive
        length = headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 12 or int(length) > self._max_body):
            return self._reject_large(), receive
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return _no_response, None
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > self._max_body:
                        return self._reject_large(), receive if more else None
                    if not more:
                        break
        except TimeoutError:
            detail = f"Expected the whole request within {_BODY_SECONDS} seconds."
            return _error_response(408, detail), None
        messages = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_buffered():
            return messages.pop() if messages else await receive()

        return self._app, receive_buffered

    def _reject_large(self):
        return _reject(413, f"Expected a body of at most {self._max_body:,} bytes.")


def _error_response(status, detail):
    """Return a response that closes the connection."""
    # Unread parts of the request make the connection useless for others.
    headers = {"Connection": "close"} | (RETRY_HEADERS if status == 503 else {})
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def _reject(status, detail):
    """Return an application that sends an error and reads what the client sends."""

    async def respond(scope, receive, send):
        async def send_unfinished(message):
            if message["type"] == "http.response.body":
                message = {**message, "more_body": True}
            await send(message)

        await _error_response(status, detail)(scope, receive, send_unfinished)
        # A client that waits for "100 Continue" does not send the body after an error.
        waits = Headers(scope=scope).get("expect", "").lower() == "100-continue"
        if receive is not None and not waits:
            await _discard_body(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return respond


async def _discard_body(receive):
    """Read the rest of a request within the limits of size and time."""
    n_bytes = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            while n_bytes <= _MAX_DISCARDED:
                message = await receive()
                n_bytes += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break


async def _no_response(scope, receive, send):
    """Send nothing, because the client has disconnected."""
