"""Several worker processes behind one port."""

import contextlib
import os
import re
import signal
import socket
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn

from sktextconv.cli import main
from sktextconv.persistence import OnnxClassifier
from sktextconv.serving import serve
from sktextconv.serving.workers import _bind

from .clients import running, send_head
from .test_metrics import parse

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGSTOP"), reason="needs the signals of POSIX"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder of the temporary files of the server."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def read_workers(process, number):
    """Return the process ids of workers whose start the log reports next."""
    found, complete = [], 0
    for line in process.stderr:
        if started := re.search(r"Started server process \[(\d+)\]", line):
            found.append(int(started[1]))
        complete += "startup complete" in line
        if complete == number:
            return found
    raise AssertionError("the server ended")


def wait_for_stop(process, number):
    """Wait until the parent has sent the stop signal to so many workers."""
    for line in process.stderr:
        number -= "Terminated child process" in line
        if not number:
            return
    raise AssertionError("the server ended")


@contextlib.contextmanager
def only(worker, workers):
    """Stop all workers but one: it takes all connections."""
    others = [each for each in workers if each != worker]
    for each in others:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)


def predict(address, *texts):
    return httpx.post(f"{address}/v1/predict", json={"texts": texts}, timeout=20)


def wait_for_texts(address, n_texts):
    """Wait until the metrics have so many texts: they are counted after the answer."""
    found = None
    while found != n_texts:
        metrics = parse(httpx.get(f"{address}/metrics").text)
        found = metrics.get(("sktextconv_texts_total",), 0)


def test_workers_predict_and_sum_metrics(onnx, folder):
    """Each worker predicts, without torch, and reports the metrics of all of them."""
    expected = OnnxClassifier(onnx).predict_proba(["so good"])[0]
    arguments = ("--workers", "2", "--metrics")
    with running(onnx, arguments=arguments) as (process, address):
        workers = read_workers(process, 2)
        for n_texts, worker in enumerate(workers, 1):
            with only(worker, workers):
                answer = predict(address, *["so good"] * n_texts).json()
                for each in answer["predictions"]:
                    np.testing.assert_allclose(each["probabilities"], expected)
                wait_for_texts(address, n_texts * (n_texts + 1) // 2)
        for worker in workers:
            with only(worker, workers):
                found = parse(httpx.get(f"{address}/metrics").text)
            key = "sktextconv_requests_total", "POST /v1/predict", "200"
            assert found["sktextconv_texts_total",] == 3
            assert found[key] == 2
            if (maps := Path(f"/proc/{worker}/maps")).exists():
                assert "torch" not in maps.read_text()


def test_dead_worker_is_replaced(onnx, folder):
    """Another worker takes the place of a dead one; all end with their parent."""
    arguments = ("--workers", "2", "--metrics")
    with running(onnx, arguments=arguments) as (process, address):
        dead, alive = read_workers(process, 2)
        with only(dead, [dead, alive]):
            assert predict(address, "so good").status_code == 200
            wait_for_texts(address, 1)
        assert len(list(folder.glob(f"*/gauge_live*_{dead}.db"))) == 1
        os.kill(dead, signal.SIGKILL)
        (fresh,) = read_workers(process, 1)
        assert fresh not in (dead, alive)
        with only(fresh, [fresh, alive]):
            assert predict(address, "so good").status_code == 200
            wait_for_texts(address, 2)
        assert not list(folder.glob(f"*/gauge_live*_{dead}.db"))
        process.kill()
        process.communicate(timeout=20)  # until the workers end as well
        with pytest.raises(httpx.ConnectError):
            predict(address, "so good")


def test_workers_finish_requests_after_stop(onnx, folder):
    """After a stop signal to the parent, all workers finish what they have taken."""
    arguments = ("--workers", "2", "--metrics")
    with running(onnx, arguments=arguments) as (process, address):
        workers = read_workers(process, 2)
        with contextlib.ExitStack() as stack:
            with only(workers[0], workers):
                for _ in range(300):  # the limit of connections holds in each worker
                    host, port = address.removeprefix("http://").split(":")
                    idle = socket.create_connection((host, int(port)), timeout=20)
                    stack.enter_context(idle)
                taken = [stack.enter_context(send_head(address))]
            with only(workers[1], workers):
                taken.append(stack.enter_context(send_head(address)))
            process.send_signal(signal.SIGTERM)
            # The parent asks each worker whether it lives, and waits for the answer of
            # one that is stopped here: meanwhile it would not handle the signal.
            wait_for_stop(process, 2)
            for worker in workers:
                with only(worker, workers):
                    while (ready := httpx.get(f"{address}/readyz")).is_success:
                        pass
                    assert ready.json() == {"status": "stopping"}
                    assert predict(address, "so good").status_code == 503
            for finish in taken:
                assert b'"predictions":[{' in finish()
        _, printed = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in printed
    assert not list(folder.glob("sktextconv*"))


def test_workers_invalid_files(tmp_path, capsys):
    """An invalid file ends the server with one message, and no worker is restarted."""
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        serve(tmp_path / "none.onnx", workers=2)
    path = tmp_path / "model.onnx"
    path.write_bytes(b"damaged")
    before = signal.getsignal(signal.SIGINT), dict(os.environ)
    assert main(["serve", str(path), "--workers", "2", "--port", "0"]) == 1
    assert (signal.getsignal(signal.SIGINT), dict(os.environ)) == before
    assert "could not start; see the log above" in capsys.readouterr().err


def test_worker_connections_send_at_once():
    """Connections to workers do not wait for more data before they send."""
    with _bind(uvicorn.Config(None, port=0, log_config=None)) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname(), timeout=20):
            connection, _ = listener.accept()
            with connection:
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("number", [0, -1, 1.5, True])
def test_workers_invalid_number(number):
    with pytest.raises(ValueError, match="Expected workers to be an int of 1 or more"):
        serve("model.onnx", workers=number)
