"""Readiness: the first prediction, and the stop after the requests in progress."""

import asyncio
import signal

import httpx
from sklearn.base import clone

from sktextconv.serving import create_app

from ..classifiers import NETWORKS
from .clients import (
    TEXTS,
    BlockedClassifier,
    Client,
    ConstantClassifier,
    FailingClassifier,
    running,
    send_head,
)


def test_ready_after_first_prediction():
    """The application is alive from the start, and ready after a first prediction."""
    classifier = BlockedClassifier(first=True)
    models = {"constant": ConstantClassifier(["a", "b"]), "blocked": classifier}
    with Client(create_app(models)) as client:
        client.run(lambda _: asyncio.to_thread(classifier.entered.wait, 20))
        assert client.get("/healthz").status_code == 200
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (503, {"status": "starting"})
        classifier.resume.set()
        assert client.post("/v1/predict", json={"texts": ["a"]}).status_code == 200
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_failing_model_is_never_ready(caplog):
    """A model that cannot predict is logged; the application is alive, not ready."""
    with Client(create_app(FailingClassifier(["a", "b"]))) as client:
        assert client.post("/v1/predict", json={"texts": ["a"]}).status_code == 500
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (503, {"status": "failed"})
        assert client.get("/healthz").status_code == 200
    assert "The first prediction failed" in caplog.text


def test_first_prediction_without_examples():
    """The first prediction succeeds without warnings, whatever the alphabet."""
    network = clone(NETWORKS["charcnn"]).set_params(max_epochs=1)
    network.set_params(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя.")
    texts = ["Очень хорошо.", "Слишком длинно."] * 4
    with Client(create_app(network.fit(texts, [1, 0] * 4))) as client:
        assert client.post("/v1/predict", json={"texts": texts[:1]}).is_success
        assert client.get("/readyz").json() == {"status": "ready"}


def test_stop_signal_finishes_requests(onnx):
    """A stop signal ends readiness at once, and the server after taken requests."""
    with running(onnx) as (process, address), httpx.Client() as client:
        with send_head(address) as finish:
            process.send_signal(signal.SIGTERM)
            while (ready := client.get(f"{address}/readyz")).is_success:
                pass
            assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
            assert client.get(f"{address}/healthz").status_code == 200
            body = {"texts": TEXTS[:1]}
            late = client.post(f"{address}/v1/predict", json=body)
            assert (late.status_code, late.headers["retry-after"]) == (503, "1")
            assert late.headers["x-content-type-options"] == "nosniff"
            assert process.poll() is None
            assert b'"predictions":[{' in finish()
        _, printed = process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Traceback" not in printed


def test_second_interrupt_does_not_wait(onnx):
    """A second Ctrl-C stops the server although a request is in progress."""
    with running(onnx) as (process, address), send_head(address):
        process.send_signal(signal.SIGINT)
        while httpx.get(f"{address}/readyz").is_success:
            pass
        process.send_signal(signal.SIGTERM)  # repeats the stop, as service managers do
        assert httpx.get(f"{address}/readyz").status_code == 503
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=8)  # less than the time for running requests
        assert process.returncode in (0, -signal.SIGINT)


def test_stop_has_a_time_limit(onnx):
    """A request whose body never arrives delays the end of the server only so long."""
    prelude = "from sktextconv.serving import readiness; readiness._STOP_SECONDS = 0.1"
    with running(onnx, prelude=prelude) as (process, address), send_head(address):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)  # less than the time for a body
        assert process.returncode in (0, -signal.SIGTERM)
