"""Where networks compute: devices, threads, precision, random numbers."""

import contextlib
import math
import multiprocessing
import os
import threading

import joblib
import torch

__all__ = [
    "autocast",
    "generators",
    "memory",
    "resolve_backend",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "threads",
    "to_device",
]


def resolve_device(name):
    """Return the torch device that `name` stands for, or say why there is none.

    "auto" takes CUDA, then MPS, then the CPU. In a worker process of a parallel search
    it takes the CPU: several workers would fill the memory of one GPU between them.
    """
    if name == "auto":
        if _in_worker_process():
            return torch.device("cpu")
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device).cpu()  # which fails for "meta"
    except (RuntimeError, AssertionError, ImportError, NotImplementedError) as error:
        raise ValueError(
            "The 'device' parameter must be 'auto' or a device that this PyTorch can "
            f"use, such as 'cpu', 'cuda' or 'cuda:1'. Got {name!r}, which fails with: "
            f"{str(error).splitlines()[0]} Set device='auto' to take the best one at "
            "hand."
        ) from error
    return device


def _in_worker_process():
    return multiprocessing.parent_process() is not None


@contextlib.contextmanager
def threads(n_jobs):
    """Let torch use `n_jobs` threads inside the block; None leaves its setting."""
    before = torch.get_num_threads()
    if n_jobs is not None:
        # The process ends if the system has not as many threads as are asked for.
        n_threads = min(joblib.effective_n_jobs(n_jobs), os.cpu_count() or 1)
        torch.set_num_threads(int(n_threads))
    try:
        yield
    finally:
        if n_jobs is not None:
            torch.set_num_threads(before)


# torch has one generator per process and device, so threads take turns.
_GENERATOR_LOCK = threading.RLock()


@contextlib.contextmanager
def seeded(seed, device):
    """Seed torch's generators inside the block, with gradients on; then put all back.

    The caller's generators are as before afterwards, also when the block raises.
    """
    with _GENERATOR_LOCK, torch.enable_grad():
        drawn_from = generators(device)
        states = [generator.get_state() for generator in drawn_from]
        try:
            for generator in drawn_from:
                generator.manual_seed(seed)
            yield
        finally:
            for generator, state in zip(drawn_from, states, strict=True):
                generator.set_state(state)


def generators(device):
    """The default generators that computing on `device` draws from."""
    if device.type == "cuda":
        torch.cuda.init()
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


def to_device(tensor, device):
    """Return `tensor` on a device; the host goes on meanwhile where that is safe."""
    # torch may read the memory of a tensor that is gone when it copies to MPS.
    return tensor.to(device, non_blocking=device.type != "mps")


def autocast(device, precision):
    """The context in which a network computes in `precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def resolve_precision(name, device):
    """Return the precision that `name` stands for on a device."""
    if name != "auto":
        return name
    return "bfloat16" if _multiplies_bfloat16(device) else "float32"


def _multiplies_bfloat16(device):
    """Whether the hardware multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch names these but has no public way to ask.
    asked = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(
        getattr(torch.cpu, name)() for name in asked if hasattr(torch.cpu, name)
    )


def resolve_backend(name):
    """Return the backend of `torch.compile` that `name` stands for."""
    if name is True:
        return "inductor"
    backends = torch.compiler.list_backends(exclude_tags=())
    if name not in backends:
        raise ValueError(
            "The 'compile' parameter must be a bool or name a backend of torch.compile "
            f"among {sorted(backends)}. Got {name!r} instead."
        )
    return name


def memory():
    """Bytes of memory of this machine; infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf
