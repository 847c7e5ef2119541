"""The compose file and its load balancer, checked without a container engine."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import httpx
import pytest
import yaml

from sktextconv.cli._parser import make_parser

from ..conftest import REPOSITORY
from .clients import running, send_head, wait_ready
from .test_dockerfile import PROJECT, arguments_of

SERVICES = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]

MODELS = {name: each for name, each in SERVICES.items() if "build" in each}

NGINX = (REPOSITORY / "nginx.conf").read_text()


def substitute(text, **variables):
    """Return a text of the compose file with the values or defaults of variables."""
    return re.sub(
        r"\$\{(\w+):-([^}]*)\}", lambda m: variables.get(m[1], m[2]), str(text)
    )


def test_compose_keys():
    """The file has two equal servers and a load balancer, with known keys only."""
    document = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    assert list(document) == ["services"]
    assert len(MODELS) == 2
    assert len(SERVICES) == 3
    first, second = MODELS.values()
    assert first == second
    keys = {
        *("build", "image", "command", "volumes", "healthcheck", "ports", "user"),
        *("stop_grace_period", "restart", "read_only", "tmpfs", "cap_drop"),
        "depends_on",
    }
    for service in SERVICES.values():
        assert set(service) <= keys
        assert service["read_only"]
        assert service["restart"] == "unless-stopped"
        check = service["healthcheck"]
        assert set(check) == {"test", "interval", "timeout", "start_period"}
        assert check["test"][0] == "CMD"
        assert "/readyz" in check["test"][-1]
        for key in ("interval", "timeout", "start_period"):
            assert re.fullmatch(r"\d+s", check[key])
        for source, *_ in (each.rsplit(":", 2) for each in service["volumes"]):
            path = substitute(source)
            assert path == "./model.onnx" or (REPOSITORY / path).is_file()


def test_compose_command_matches_image():
    """The servers run a valid command of the image, with its port and health check."""
    (check,) = arguments_of("HEALTHCHECK")
    check = ["CMD", *json.loads(check.partition("CMD ")[2])]
    for name, service in MODELS.items():
        assert service["build"] == "."
        assert service["healthcheck"]["test"] == check
        program, *command = service["command"]
        assert program in PROJECT["project"]["scripts"]
        values = [substitute(each, HOST_NAME="films.example") for each in command]
        args = make_parser().parse_args(values)
        assert (args.command, args.host, args.metrics) == ("serve", "0.0.0.0", True)
        assert [str(args.port)] == arguments_of("EXPOSE")
        assert {name, "films.example"} <= set(args.allowed_hosts)
        (mounted,) = (each.rsplit(":", 2)[1] for each in service["volumes"])
        assert [str(each) for each in args.model] == [mounted]


def test_balancer_matches_services():
    """nginx has all servers as upstreams, their port, and the published port."""
    (port,) = arguments_of("EXPOSE")
    (group,) = re.findall(r"upstream (\w+) {", NGINX)
    assert f"proxy_pass http://{group};" in NGINX
    upstreams = re.findall(r"^\s*server ([\w.-]+):(\d+)", NGINX, re.MULTILINE)
    assert upstreams == [(name, port) for name in MODELS]
    (balancer,) = (each for name, each in SERVICES.items() if name not in MODELS)
    assert set(balancer["depends_on"]) == set(MODELS)
    (listen,) = re.findall(r"listen (\d+);", NGINX)
    assert balancer["ports"] == [f"127.0.0.1:{listen}:{listen}"]
    assert f":{listen}/readyz" in balancer["healthcheck"]["test"][-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", balancer["user"])
    # A user other than root writes to the temporary folder only.
    assert {*re.findall(r"(?:_path|^pid) (/\w+)/", NGINX, re.MULTILINE)} == {
        balancer["tmpfs"]
    }


@contextlib.contextmanager
def balancing(addresses, folder):
    """Run nginx in front of servers with the file of the repository."""
    # Bound as long as nginx runs, so that no other process gets the port. nginx binds
    # it as well, because both reuse addresses, and this socket does not listen.
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    text = NGINX.replace("/tmp/", f"{folder}/")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}")
    text = text.replace("worker_processes auto", "worker_processes 1")
    for name, address in zip(MODELS, addresses, strict=True):
        text = text.replace(f"{name}:8000", address.removeprefix("http://"))
    (folder / "nginx.conf").write_text(text)
    # Another user could not enter the folder.
    options = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    command = ["nginx", "-c", folder / "nginx.conf", "-p", folder, "-g", options]
    process = subprocess.Popen(list(map(str, command)))
    try:
        wait_ready(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        held.close()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
def test_balancer_hides_stop_of_a_server(onnx, tmp_path):
    """Requests to the balancer succeed while a server stops and when it is gone."""
    body = {"texts": ["so good"]}
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(onnx)) for _ in MODELS]
        address = stack.enter_context(
            balancing([each for _, each in servers], tmp_path)
        )
        client = stack.enter_context(httpx.Client(base_url=address, timeout=20))
        assert client.get("/metrics").status_code == 404
        longest = {"texts": ["\0" * 100_000]}  # six bytes in JSON for each character
        assert client.post("/v1/predict", json=longest).status_code == 200
        evil = client.get("/", headers={"Host": "evil.example"})
        assert evil.status_code == 400
        process, direct = servers[0]
        with send_head(direct) as finish:
            process.send_signal(signal.SIGTERM)
            while httpx.get(f"{direct}/readyz").is_success:
                pass
            for _ in range(20):
                assert client.post("/v1/predict", json=body).status_code == 200
            assert b'"predictions":[{' in finish()
        process.communicate(timeout=20)
        for _ in range(20):
            assert client.post("/v1/predict", json=body).status_code == 200
        assert client.get("/readyz").json() == {"status": "ready"}
        for name in ("body", "proxy"):  # no text was written to a file
            assert not list((tmp_path / name).iterdir())
