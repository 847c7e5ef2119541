"""Requests per second and latency of the HTTP server.

    python -m benchmarks.speed.serving               # three minutes
    python -m benchmarks.speed.serving --seconds 0.5
    python -m benchmarks.speed.serving --workers     # one minute

A server on the loopback interface runs in its own process with one thread for the
network. 1, 8 and 32 connections send requests, each waiting for its response. Servers
with and without batching run in turn, several times; results are medians. Requests per
CPU second of the server are less disturbed by other programs. Needs Linux's /proc.

With ``--workers``, servers with one and two worker processes run in turn, as `serve`
starts them: they share the cores. The time of all processes of a server counts.
"""

import argparse
import asyncio
import contextlib
import functools
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

__all__ = [
    "RESULT",
    "RESULT_OF_WORKERS",
    "as_rst",
    "measure",
    "table",
    "workers_table",
]

RESULT = RESULTS / "serving.json"
RESULT_OF_WORKERS = RESULTS / "serving_workers.json"
_CONNECTIONS = (1, 8, 32)
_WORKERS = (1, 2)
_NETWORKS = {"CharCNN": CharCNNClassifier, "HAN": HANClassifier}
_KINDS = {"PyTorch": (save, "safetensors"), "ONNX": (export_onnx, "onnx")}

_APPLICATION = """
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


_SERVER = """
import sys
from sktextconv.serving import serve
serve(sys.argv[1], port=0, workers=int(sys.argv[2]))
"""


@contextlib.contextmanager
def running(script, path, option, *, workers=1):
    """Start a server of a model file; yield its process and port."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(option)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    port, n_started = None, 0
    try:
        for line in process.stderr:
            if found := re.search(r"running on http://[\d.]+:(\d+)", line):
                port = int(found[1])
            n_started += "startup complete" in line
            if port is not None and n_started == workers:
                yield process, port
                break
        else:
            raise RuntimeError("The server did not start.")
    finally:
        process.terminate()
        process.communicate()


# Functions from a file to a running server, by what differs and its value.
_SERVERS = {
    "predicted": {
        mode: functools.partial(running, _APPLICATION, option=max_batch)
        for mode, max_batch in {"together": 64, "one by one": 1}.items()
    },
    "workers": {
        n: functools.partial(running, _SERVER, option=n, workers=n) for n in _WORKERS
    },
}


async def send_requests(port, texts, *, n_connections, seconds):
    """Send requests over `n_connections`; return the latencies in seconds."""
    bodies = [json.dumps({"texts": [text]}).encode() for text in texts]
    latencies = []

    async def send(index, connection):
        reader, writer = connection
        while True:
            start = time.perf_counter()
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
            if start + latencies[-1] >= end:
                break
        writer.close()
        await writer.wait_closed()

    opening = [asyncio.open_connection("127.0.0.1", port) for _ in range(n_connections)]
    connections = await asyncio.gather(*opening)
    # Opening may take long on a busy machine; each connection sends one request.
    end = time.perf_counter() + seconds
    await asyncio.gather(*map(send, range(n_connections), connections))
    return latencies


def measure(files, texts, variants, *, seconds=1.5, rounds=3):
    """Return a row for each file, number of connections and kind of server.

    Parameters
    ----------
    files : dict
        Paths by network and kind of file.
    texts : list of str
    variants : {"predicted", "workers"}
        Whether servers with and without batching run, or with one and two workers.
    seconds : float, default=1.5
        Duration of each measurement.
    rounds : int, default=3
        Number of measurements; results are medians.
    """
    rows = []
    for (network, kind), path in files.items():
        with contextlib.ExitStack() as stack:
            servers = {
                variant: stack.enter_context(start(path))
                for variant, start in _SERVERS[variants].items()
            }
            for n_connections in _CONNECTIONS:
                found = _measure_in_turn(
                    servers, texts, n_connections, seconds=seconds, rounds=rounds
                )
                rows += [
                    {"network": network, "file": kind, variants: variant, **row}
                    for variant, row in found.items()
                ]
    return rows


def _measure_in_turn(servers, texts, n_connections, *, seconds, rounds):
    """Return the medians of several rounds by server.

    Parameters
    ----------
    servers : dict
        Pairs of process and port.
    texts : list of str
    n_connections : int
    seconds : float
    rounds : int
    """
    found = {key: [] for key in servers}
    for _, port in servers.values():  # first requests are slow
        asyncio.run(send_requests(port, texts, n_connections=8, seconds=seconds / 5))
    for _ in range(rounds):
        for key, (process, port) in servers.items():
            start = _cpu_seconds(process.pid)
            latencies = asyncio.run(
                send_requests(port, texts, n_connections=n_connections, seconds=seconds)
            )
            found[key].append((latencies, _cpu_seconds(process.pid) - start))
    rows, tick = {}, 1 / os.sysconf("SC_CLK_TCK")
    for key, (process, _) in servers.items():
        rates = [len(latencies) / seconds for latencies, _ in found[key]]
        # Less than the unit of the system's clock is shown as 0.
        by_cpu = [len(latencies) / max(used, tick) for latencies, used in found[key]]
        milliseconds = 1e3 * np.concatenate([each for each, _ in found[key]])
        rows[key] = {
            "connections": n_connections,
            "requests": len(milliseconds),
            "requests per second": statistics.median(rates),
            "requests per CPU second": statistics.median(by_cpu),
            "milliseconds, median": float(np.median(milliseconds)),
            "milliseconds, 99 %": float(np.quantile(milliseconds, 0.99)),
            "peak MiB": _peak_mib(process.pid),
        }
    return rows


def _process_ids(process_id):
    """Return the ids of a process and its children."""
    path = Path(f"/proc/{process_id}/task/{process_id}/children")
    return [process_id, *map(int, path.read_text().split())]


def _peak_mib(process_id):
    """Return the peak memory of a process and its children, shared parts repeated."""
    texts = [Path(f"/proc/{n}/status").read_text() for n in _process_ids(process_id)]
    return sum(int(re.search(r"VmHWM:\s+(\d+) kB", each)[1]) for each in texts) / 1024


def _cpu_seconds(process_id):
    """Return the CPU time of a process and its children."""
    ticks = 0
    for each in _process_ids(process_id):
        # The program name, in parentheses, may contain spaces and parentheses.
        *_, fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")
        ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


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


def workers_table(result):
    """Return pairs of rows, with one and two workers, as cells, header first."""
    shown = {
        "Requests/s": "requests per second",
        "Requests/CPU s": "requests per CPU second",
        "Median, ms": "milliseconds, median",
        "99 %, ms": "milliseconds, 99 %",
        "MiB": "peak MiB",
    }
    pairs = [cell for name in shown for cell in (name, "2 workers")]
    cells = [("Network, file", "Connections", *pairs)]
    for both in zip(*[iter(result["rows"])] * len(_WORKERS), strict=True):
        row = both[0]
        cells.append(
            (
                f"{row['network']}, {row['file']}",
                str(row["connections"]),
                *(f"{each[key]:,.0f}" for key in shown.values() for each in both),
            )
        )
    return cells


def as_rst(result, table=table):
    """Return a table and the machine as reStructuredText."""
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
    add("--seconds", type=float, default=1.5, help="duration of each measurement")
    add("--rounds", type=int, default=3)
    add("--workers", action="store_true", help="measure one and two worker processes")
    add("--out", type=Path)
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
            files,
            data.data[:500],
            "workers" if options.workers else "predicted",
            seconds=options.seconds,
            rounds=options.rounds,
        )
    about = describe_run(1, network)
    for package in ("fastapi", "onnxruntime", "uvicorn"):
        about["versions"][package] = importlib.metadata.version(package)
    result = {"rows": rows, "load": os.getloadavg()[0], **about}
    default = RESULT_OF_WORKERS if options.workers else RESULT
    write_json(options.out or default, result)
    shown = workers_table if options.workers else table
    sys.stdout.write(as_text(shown(result)) + "\n")


if __name__ == "__main__":
    main()
