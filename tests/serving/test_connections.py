"""Connections that send nothing, too much or do not read, on real sockets."""

import asyncio
import contextlib

import pytest

from sktextconv.serving import connections, create_app, middleware

from .clients import LIMIT, listening

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Peer:
    """Client side of a connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def exchange(self, data):
        """Send bytes; return all bytes until the server closes the connection."""
        self.writer.write(data)
        await self.writer.drain()
        async with asyncio.timeout(20):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def post(body_size, *headers):
    """Return the head of a request with a body."""
    lines = ["POST / HTTP/1.1", "Host: localhost", f"Content-Length: {body_size}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


@pytest.fixture(scope="module")
def app(bow):
    return create_app(bow, max_characters=LIMIT)


def test_idle_connections_make_room(app):
    """300 connections that send nothing do not keep the server from its work."""

    async def main():
        async with listening(app) as port, contextlib.AsyncExitStack() as stack:
            for _ in range(300):
                await stack.enter_async_context(connected(port))
            async with connected(port) as peer:
                return await peer.exchange(HEALTH)

    assert asyncio.run(main()).startswith(b"HTTP/1.1 200")


def test_busy_connections_are_not_closed(monkeypatch):
    """The server closes connections to make room only if they wait for a request."""
    monkeypatch.setitem(connections.SERVER_OPTIONS, "limit_concurrency", 3)
    started, finish = asyncio.Semaphore(0), asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] == "http":
            started.release()
            await finish.wait()
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body"})

    async def main():
        async with listening(app) as port, contextlib.AsyncExitStack() as stack:
            answers = []
            for _ in range(2):
                busy = await stack.enter_async_context(connected(port))
                answers.append(asyncio.create_task(busy.exchange(HEALTH)))
                await started.acquire()
            idle = await stack.enter_async_context(connected(port))
            last = await stack.enter_async_context(connected(port))
            assert await idle.exchange(b"") == b""
            refused = await last.exchange(HEALTH)
            finish.set()
            return refused, await asyncio.gather(*answers)

    refused, answers = asyncio.run(main())
    assert refused.startswith(b"HTTP/1.1 503")
    assert [each[:12] for each in answers] == [b"HTTP/1.1 200"] * 2


@pytest.mark.parametrize("part", [b"", b"GET /healthz HTTP/1.1\r\nHost:"])
def test_incomplete_request_times_out(part, app, monkeypatch):
    """A connection with no request or a part of one is closed, at any request."""
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.5)
    monkeypatch.setitem(connections.SERVER_OPTIONS, "timeout_keep_alive", 1000)

    async def main():
        async with listening(app) as port:
            async with connected(port) as peer:
                assert await peer.exchange(part) == b""
            async with connected(port) as peer:
                peer.writer.write(HEALTH.replace(b"close", b"keep-alive"))
                assert b"200 OK" in await peer.reader.readuntil(b"}")
                assert await peer.exchange(part or b"G") == b""

    asyncio.run(main())


def test_trickling_request_times_out(app, monkeypatch):
    """Further bytes of an incomplete request do not extend its time."""
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.5)

    async def main():
        async with listening(app) as port, connected(port) as peer:
            peer.writer.write(b"GET /")
            reading = asyncio.create_task(peer.reader.read())
            async with asyncio.timeout(20):
                while not reading.done():
                    peer.writer.write(b"a")
                    await asyncio.wait([reading], timeout=0.005)
            # Bytes on their way when the server closes reset the connection.
            with contextlib.suppress(ConnectionError):
                assert await reading == b""

    asyncio.run(main())


def test_slow_prediction_does_not_time_out(app, monkeypatch):
    """The time limit of a request does not run while the server works."""
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.5)

    async def slow(scope, receive, send):
        if scope["type"] == "http":
            async with connected(scope["server"][1]) as idle:
                assert await idle.exchange(b"") == b""
        await app(scope, receive, send)

    async def main():
        async with listening(slow) as port, connected(port) as peer:
            return await peer.exchange(HEALTH)

    assert asyncio.run(main()).startswith(b"HTTP/1.1 200")


def test_client_that_does_not_read_is_dropped(monkeypatch):
    monkeypatch.setattr(connections, "_WRITE_SECONDS", 0.05)
    ended = asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})
            for _ in range(100):
                body = {"body": bytes(2**20), "more_body": True}
                await send({"type": "http.response.body", **body})
            assert (await receive())["type"] == "http.disconnect"
            ended.set()

    async def main():
        async with listening(app) as port, connected(port) as peer:
            peer.writer.write(HEALTH)
            await asyncio.wait_for(ended.wait(), 20)

    asyncio.run(main())


def test_client_receives_413_after_sending_all(app):
    """A client that reads only after it has sent a large body gets status 413."""

    async def main():
        async with listening(app) as port, connected(port) as peer:
            return await peer.exchange(post(5_000_000) + b"a" * 5_000_000)

    answer = asyncio.run(main())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()
    assert b"Expected a body of at most" in answer


def test_rejected_whole_body_is_answered_at_once(app, monkeypatch):
    """The server closes the connection when it has read all of a large body."""
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 1000)
    head = post(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    body = b"a" * 20_000
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    async def main():
        async with listening(app) as port, connected(port) as peer:
            return await peer.exchange(head + chunked)

    assert asyncio.run(main()).startswith(b"HTTP/1.1 413")


def test_rejected_body_is_read_within_bounds(app, monkeypatch):
    """The server reads a body that is too large up to a size and for a time only."""
    monkeypatch.setattr(middleware, "_MAX_DISCARDED", 100_000)
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 0.05)

    async def main():
        async with listening(app) as port:
            async with connected(port) as peer:
                answer = await peer.exchange(post(10**9))
            async with connected(port) as peer:
                with pytest.raises(ConnectionError):
                    await peer.exchange(post(10**9) + bytes(10**8))
            return answer

    assert asyncio.run(main()).startswith(b"HTTP/1.1 413")


def test_client_that_asks_first_gets_413_at_once(app, monkeypatch):
    """A client with ``Expect: 100-continue`` is not asked for the body."""
    monkeypatch.setattr(middleware, "_BODY_SECONDS", 1000)

    async def main():
        async with listening(app) as port, connected(port) as peer:
            return await peer.exchange(post(10**9, "Expect: 100-continue"))

    answer = asyncio.run(main())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer
