"""Client of an application, a server process, and simple classifiers to serve."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
import sys
import threading

import httpx
import numpy as np
import uvicorn
from sklearn.base import BaseEstimator, ClassifierMixin

from sktextconv.serving.connections import SERVER_OPTIONS

TEXTS = ["a fine film", "so good", "what a bore", "too long"] * 6

LABELS = np.array(["pos", "pos", "neg", "neg"] * 6)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

LIMIT = 500  # characters

CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class Client:
    """HTTP client of an application, without a socket."""

    def __init__(self, app, base_url="http://localhost"):
        self._app, self._base_url = app, base_url

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._runner = self._stack.enter_context(asyncio.Runner())
        lifespan = self._app.router.lifespan_context(self._app)
        self._runner.run(lifespan.__aenter__())
        self._stack.callback(lambda: self._runner.run(lifespan.__aexit__(*[None] * 3)))
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=self._base_url)
        return self

    def __exit__(self, *error):
        self._stack.close()

    def run(self, function):
        """Call a coroutine function with the asynchronous client; return its result."""
        return self._runner.run(function(self._client))

    def get(self, *args, **kwargs):
        return self.run(lambda client: client.get(*args, **kwargs))

    def post(self, *args, **kwargs):
        return self.run(lambda client: client.post(*args, **kwargs))


def predict(client, *texts):
    return client.post("/v1/predict", json={"texts": texts})


def paste(client, text, **headers):
    return client.post("/", data={"text": text}, headers=headers)


class FittedClassifier(ClassifierMixin, BaseEstimator):
    """Base class of classifiers that need no `fit`."""

    def fit(self, X, y):
        raise NotImplementedError


class ConstantClassifier(FittedClassifier):
    """Classifier with given labels that always predicts the first one."""

    def __init__(self, classes):
        self.classes = classes
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.tile(np.arange(len(self.classes_), 0, -1.0), (len(X), 1)) / 3


class FailingClassifier(ConstantClassifier):
    """Classifier that cannot predict."""

    def predict_proba(self, X):
        raise ValueError(f"secret {X}")


class BlockedClassifier(FittedClassifier):
    """Classifier that records its calls and blocks until `resume` is set.

    The first prediction of the application is neither recorded nor blocked, unless
    `first` is true.
    """

    def __init__(self, first=False):
        self.first = first
        self.classes_ = np.array(["a", "b"])
        self.calls, self.entered, self.resume = [], threading.Event(), threading.Event()

    def predict_proba(self, X):
        if self.first or list(X) != [" "]:
            self.calls.append(list(X))
            self.entered.set()
            assert self.resume.wait(20)
        first = np.array([len(text) / 100 for text in X])
        return np.stack([first, 1 - first], axis=1)


@contextlib.contextmanager
def running(path, *, prelude="", arguments=()):
    """Run the command `serve` in a new process; yield it and its address when ready."""
    script = f"{prelude}\nimport sys; from sktextconv.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "serve", path, *arguments, "--port", "0"]
    process = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True
    )
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://[\d.]+:\d+)", line):
                break
        else:
            raise AssertionError("the server did not start")
        address = found[1].replace("0.0.0.0", "127.0.0.1")
        wait_ready(process, address)
        yield process, address
    finally:
        process.kill()
        process.communicate()


def wait_ready(process, address):
    """Wait until a server is ready, or raise an error if its process has ended."""
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=20).is_success:
                return
    raise AssertionError("the server ended before it was ready")


@contextlib.contextmanager
def send_head(address, text="so good"):
    """Send the head of a request that the server takes; yield a function for the rest.

    The function sends the body and returns all bytes of the response.
    """
    host, port = address.removeprefix("http://").split(":")
    body = json.dumps({"texts": [text]}).encode()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Content-Type: application/json\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode())
        file = connection.makefile("rb")
        # The server asks for the body when the application reads it.
        assert file.readline().startswith(b"HTTP/1.1 100")

        def finish():
            connection.sendall(body)
            return file.read()

        yield finish


@contextlib.asynccontextmanager
async def listening(app):
    """Run a server with the options of `serve` in this event loop; yield its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, **SERVER_OPTIONS))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task
