"""Records of benchmark runs: JSON files, machine, versions, time, memory, progress."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import torch

import sktextconv
from sktextconv.utils._timing import Seconds, cpu_seconds, timed

__all__ = [
    "RESULTS",
    "Seconds",
    "cpu_seconds",
    "describe_run",
    "find_commit",
    "gpu_peak_mib",
    "memory_mib",
    "peak_mib",
    "progress",
    "reset_peak",
    "timed",
    "write_json",
]

RESULTS = Path(__file__).parent / "results"


def describe_run(threads, estimator, *, commit=None):
    """Return the date, commit, versions and machine of a run.

    Parameters
    ----------
    threads : int
    estimator : estimator or None
        Its device decides whether the GPU is named.
    commit : str or None, default=None
        None looks it up.
    """
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit or find_commit(),
        "versions": _versions(),
        "machine": _machine(threads, getattr(estimator, "net_", None)),
    }


def find_commit():
    """Return the commit of the running code, or None outside a repository."""
    here = Path(__file__).parent

    def git(*arguments):
        command = ["git", *arguments]
        return subprocess.check_output(command, cwd=here, text=True).strip()

    try:
        changed = git(
            "status", "--porcelain", "--", ":/sktextconv", ":/benchmarks/**.py"
        )
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _versions():
    packages = ("numpy", "scipy", "scikit-learn", "torch", "skorch", "nltk")
    found = {package: importlib.metadata.version(package) for package in packages}
    for optional in ("gensim", "fasttext-numpy2-wheel"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[optional] = importlib.metadata.version(optional)
    return {
        "python": platform.python_version(),
        "sktextconv": sktextconv.__version__,
        **found,
    }


def _machine(threads, net):
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [
            line.partition(":")[2].strip() for line in lines if "model name" in line
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        ),
        "gpu": torch.cuda.get_device_name() if _is_on_gpu(net) else None,
    }


def _is_on_gpu(net):
    return net is not None and torch.device(net.device).type == "cuda"


def gpu_peak_mib(estimator):
    """Return the peak memory of tensors on the GPU in this process, in MiB.

    Parameters
    ----------
    estimator : estimator
        A fitted one; None is returned unless it computed on a GPU.
    """
    if not _is_on_gpu(getattr(estimator, "net_", None)):
        return None
    return torch.cuda.max_memory_allocated() / 2**20


def peak_mib():
    """Return the peak resident memory of this process, in MiB."""
    status = Path("/proc/self/status")
    # getrusage of a new process starts from the peak of its parent; VmHWM does not.
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_mib():
    """Return the resident memory of this process, in MiB; needs Linux's /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def reset_peak():
    """Set the peak that `peak_mib` returns to the current memory; needs /proc."""
    Path("/proc/self/clear_refs").write_text("5")


def write_json(path, found):
    """Write a JSON file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    os.replace(part, path)


def progress(line):
    """Print a line to stderr; on a terminal it replaces the line before."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + f"    {line}"[:79])
    else:
        sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()
