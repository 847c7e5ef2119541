"""Client of an application, a server process, and simple classifiers to serve."""

import asyncio
import contextlib
import re
import socket
import subprocess
import sys

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


@contextlib.contextmanager
def running(path, *, prelude="", arguments=()):
    """Run the command `serve` in a new process; yield the process and its address."""
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
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


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
