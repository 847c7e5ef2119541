"""What is refused before an application sees it, and said with every answer."""

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

__all__ = ["HEADERS", "Guard"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # a text is its reader's business
}

_BODY_SECONDS = 30  # that a client has to send a request


class Guard:
    """An ASGI application around another.

    Requests of other sites' pages, bodies that are too large and those that come too
    slowly are refused. A body is read as a whole first, and counted as it comes, with
    or without a Content-Length.

    Parameters
    ----------
    app : ASGI application
    max_body : int
        Bytes.
    """

    def __init__(self, app, *, max_body):
        self._app = app
        self._max_body = max_body

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app, receive = await self._pass(scope, receive)
        await app(scope, receive, send_with_headers)

    async def _pass(self, scope, receive):
        """Return what is to answer, and from where it reads the body."""
        headers = Headers(scope=scope)
        # Of a form on another site; browsers say so, and programs send nothing.
        site = headers.get("sec-fetch-site", "none")
        if scope["method"] not in ("GET", "HEAD") and site not in (
            "none",
            "same-origin",
        ):
            return _refuse(403, "Expected a request from this page, not another."), None
        length = headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 12 or int(length) > self._max_body):
            return self._too_large(), None
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return _say_nothing, None
                    body += message.get("body", b"")
                    if len(body) > self._max_body:
                        return self._too_large(), None
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            return _refuse(408, f"Expected all within {_BODY_SECONDS} seconds."), None
        messages = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_again():
            return messages.pop() if messages else await receive()

        return self._app, receive_again

    def _too_large(self):
        return _refuse(413, f"Expected a body of at most {self._max_body:,} bytes.")


def _refuse(status, detail):
    # The rest of the request is not read: the connection is of no more use.
    return JSONResponse(
        {"detail": detail}, status_code=status, headers={"Connection": "close"}
    )


async def _say_nothing(scope, receive, send):
    """Nobody is there to be answered."""
