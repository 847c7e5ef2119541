"""Requests per second and latency of the HTTP server.

    python -m benchmarks.speed.serving               # three minutes
    python -m benchmarks.speed.serving --seconds 0.5

A server on the loopback interface runs in its own process with one thread for the
network. 1, 8 and 32 connections send requests, each waiting for its response. Servers
with and without batching run in turn, several times; results are medians. Requests per
CPU second of the server are less disturbed by other programs. Needs Linux's /proc.
"""

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    export_onnx,
    load_docstrings,
    save,
)

from .._record import RESULTS, describe_run, write_json
from .._render import as_list_table, as_text

__all__ = ["RESULT", "as_rst", "measure", "table"]

RESULT = RESULTS / "serving.json"
_CONNECTIONS = (1, 8, 32)
_BATCHES = {"together": 64, "one by one": 1}
_NETWORKS = {"CharCNN": CharCNNClassifier, "HAN": HANClassifier}
_KINDS = {"PyTorch": (save, "safetensors"), "ONNX": (export_onnx, "onnx")}

_SERVER = """
import sys, uvicorn
from sktextconv.serving import create_app
if sys.argv[1].endswith(".onnx"):
    from sktextconv import OnnxClassifier
    classifier = OnnxClassifier(sys.argv[1], n_jobs=1)
else:
    from sktextconv import load
    classifier = load(sys.argv[1]).set_params(n_jobs=1)
app = create_app(classifier, max_batch=int(sys.argv[2]))
uvicorn.run(app, port=0, access_log=False)
"""


@contextlib.contextmanager
def running(path, max_batch):
    """Start a server of a model file; yield its process and port."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(path), str(max_batch)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if found := re.search(r"running on http://[\d.]+:(\d+)", line):
                yield process, int(found[1])
                break
        else:
            raise RuntimeError("The server did not start.")
    finally:
        process.terminate()
        process.communicate()


async def send_requests(port, texts, *, n_connections, seconds):
    """Send requests over `n_connections`; return the latencies in seconds."""
    bodies = [json.dumps({"texts": [text]}).encode() for text in texts]
    latencies = []

    async def send(index, connection):
        reader, writer = connection
        while (start := time.perf_counter()) < end:
            body = bodies[index % len(bodies)]
            index += n_connections
            writer.write(
                b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1]
            await reader.readexactly(int(size))
            latencies.append(time.perf_counter() - start)
        writer.close()
        await writer.wait_closed()

    opening = [asyncio.open_connection("127.0.0.1", port) for _ in range(n_connections)]
    connections = await asyncio.gather(*opening)
    # Opening may take long on a busy machine; each connection sends one request.
    end = time.perf_counter() + seconds
    await asyncio.gather(*map(send, range(n_connections), connections))
    return latencies


def measure(files, texts, *, seconds=1.5, rounds=3):
    """Return a row for each file, number of connections and batching mode.

    Parameters
    ----------
    files : dict
        Paths by network and kind of file.
    texts : list of str
    seconds : float, default=1.5
        Duration of each measurement.
    rounds : int, default=3
        Number of measurements; results are medians.
    """
    rows = []
    for (network, kind), path in files.items():
        with contextlib.ExitStack() as stack:
            servers = {
                mode: stack.enter_context(running(path, max_batch))
                for mode, max_batch in _BATCHES.items()
            }
            for n_connections in _CONNECTIONS:
                options = {"n_connections": n_connections, "seconds": seconds}
                found = {mode: [] for mode in servers}
                for _ in range(rounds):
                    for mode, (process, port) in servers.items():
                        start = _cpu_seconds(process.pid)
                        latencies = asyncio.run(send_requests(port, texts, **options))
                        found[mode].append(
                            (latencies, _cpu_seconds(process.pid) - start)
                        )
                for mode, (process, _) in servers.items():
                    rates = [len(latencies) / seconds for latencies, _ in found[mode]]
                    by_cpu = [len(latencies) / used for latencies, used in found[mode]]
                    seconds_each = np.concatenate([each for each, _ in found[mode]])
                    milliseconds = 1e3 * seconds_each
                    rows.append(
                        {
                            "network": network,
                            "file": kind,
                            "connections": n_connections,
                            "predicted": mode,
                            "requests": len(milliseconds),
                            "requests per second": statistics.median(rates),
                            "requests per CPU second": statistics.median(by_cpu),
                            "milliseconds, median": float(np.median(milliseconds)),
                            "milliseconds, 99 %": float(
                                np.quantile(milliseconds, 0.99)
                            ),
                            "peak MiB": _peak_mib(process.pid),
                        }
                    )
    return rows


def _peak_mib(process_id):
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def _cpu_seconds(process_id):
    # The program name, in parentheses, may contain spaces and parentheses.
    *_, fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")
    user, system = map(int, fields.split()[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def table(result):
    """Return pairs of rows, with and without batching, as cells, header first."""
    cells = [
        (
            "Network, file",
            "Connections",
            "Requests/s",
            "one by one",
            "Requests/CPU s",
            "one by one",
            "Median, ms",
            "99 %, ms",
            "MiB",
        )
    ]
    for row, other in zip(*[iter(result["rows"])] * 2, strict=True):
        both = (row, other)
        cells.append(
            (
                f"{row['network']}, {row['file']}",
                str(row["connections"]),
                *(f"{each['requests per second']:,.0f}" for each in both),
                *(f"{each['requests per CPU second']:,.0f}" for each in both),
                f"{row['milliseconds, median']:.0f}",
                f"{row['milliseconds, 99 %']:.0f}",
                f"{row['peak MiB']:.0f}",
            )
        )
    return cells


def as_rst(result):
    """Return the table and the machine as reStructuredText."""
    machine, versions = result["machine"], result["versions"]
    return (
        f"{as_list_table(table(result))}\n{machine['cpu']}, {machine['cores']} cores, "
        f"which other programs used as well (load {result['load']:.1f}); torch "
        f"{versions['torch']}, onnxruntime {versions['onnxruntime']}.\n"
    )


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.serving",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add(
        "--seconds", type=float, default=1.5, help="duration of each of 72 measurements"
    )
    add("--rounds", type=int, default=3)
    add("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    data = load_docstrings(subset="train")
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in _NETWORKS.items():
            network = make(max_epochs=1, random_state=0, n_jobs=1)
            network.fit(data.data[:200], data.target[:200])
            for kind, (write, suffix) in _KINDS.items():
                files[name, kind] = Path(folder) / f"{name}.{suffix}"
                write(network, files[name, kind])
        rows = measure(
            files, data.data[:500], seconds=options.seconds, rounds=options.rounds
        )
    about = describe_run(1, network)
    for package in ("fastapi", "onnxruntime", "uvicorn"):
        about["versions"][package] = importlib.metadata.version(package)
    result = {"rows": rows, "load": os.getloadavg()[0], **about}
    write_json(options.out, result)
    sys.stdout.write(as_text(table(result)) + "\n")


if __name__ == "__main__":
    main()
