"""Devices, precision and random number generators."""

import contextlib
import functools
import math
import multiprocessing
import os
import threading
import warnings

import torch

__all__ = [
    "autocast",
    "generators",
    "memory",
    "resolve_backend",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "to_device",
]


def resolve_device(name, local_rank=0):
    """Return the torch device called `name`; raise `ValueError` if it is unusable.

    "auto" selects CUDA, then MPS, then the CPU. In a worker process of a parallel
    search it selects the CPU, since several workers could exhaust one GPU's memory, and
    warns once if there is a GPU. Of several processes that train together on a machine,
    each has the GPU of its number, `local_rank`, if there are enough of them.
    """
    if name == "auto":
        best = _best_device()
        if best == "cpu" or not _in_worker_process():
            return _gpu_of_rank(torch.device(best), local_rank)
        _warn_of_unused_gpu(best)
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        # The error of torch lists twenty types of devices, few of which exist.
        raise ValueError(
            "The 'device' parameter must be 'cpu', 'cuda', 'mps' or 'auto' for the "
            "best available one; 'cuda:1' is the second GPU. "
            f"Got {name!r} instead."
        ) from None
    try:
        torch.empty(0, device=device).cpu()  # fails for "meta"
    except (RuntimeError, AssertionError, ImportError, NotImplementedError) as error:
        raise ValueError(
            "The 'device' parameter must be a device that this PyTorch can use. Got "
            f"{name!r}, which fails with: {str(error).splitlines()[0]} Set "
            "device='auto' to take the best available one."
        ) from error
    return _gpu_of_rank(device, local_rank)


def _gpu_of_rank(device, local_rank):
    """Return the CUDA device of a process of several, if none is numbered."""
    if not local_rank or device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", local_rank % torch.cuda.device_count())


def _best_device():
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@functools.cache  # once per process, whatever the filters of warnings
def _warn_of_unused_gpu(best):
    warnings.warn(
        "device='auto' takes the CPU in a worker process of a parallel search, though "
        f"there is a GPU: the workers share its memory. Set device={best!r} to use it, "
        "with as few workers (n_jobs) as have room there, or n_jobs=1.",
        UserWarning,
        stacklevel=2,
    )


def _in_worker_process():
    return multiprocessing.parent_process() is not None


# torch has one generator per process and device, so threads must not share it.
_GENERATOR_LOCK = threading.RLock()


@contextlib.contextmanager
def seeded(seed, device):
    """Seed torch's generators inside the block.

    Their states are restored at the end, also if the block raises.
    """
    with _GENERATOR_LOCK:
        used = generators(device)
        states = [generator.get_state() for generator in used]
        try:
            for generator in used:
                generator.manual_seed(seed)
            yield
        finally:
            for generator, state in zip(used, states, strict=True):
                generator.set_state(state)


def generators(device):
    """Return the default generators that computation on `device` draws from."""
    if device.type == "cuda":
        torch.cuda.init()
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


def to_device(tensor, device):
    """Copy a tensor to a device, without blocking if that is safe."""
    # A non-blocking copy to MPS may read the tensor's memory after it is freed.
    return tensor.to(device, non_blocking=device.type != "mps")


def autocast(device, precision):
    """Return the context in which a network computes in `precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)


def resolve_precision(name, device):
    """Return the precision in which a device computes for the parameter `precision`.

    "auto" is its fastest one. "bfloat16" is "float32" on a CPU that does not compute in
    it: torch raises an error for recurrent layers there, and is slow at convolutions.
    """
    fits = {"auto": _multiplies_bfloat16, "bfloat16": _computes_bfloat16}
    return "bfloat16" if name in fits and fits[name](device) else "float32"


def _computes_bfloat16(device):
    """Return whether torch computes in bfloat16 on a device."""
    return device.type != "cpu" or (
        # The check of torch.compile, which has no public name.
        torch.backends.mkldnn.is_available()
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def _multiplies_bfloat16(device):
    """Return whether the hardware multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # torch has no public functions for these features.
    features = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return device.type == "cpu" and any(
        getattr(torch.cpu, name)() for name in features if hasattr(torch.cpu, name)
    )


def resolve_backend(name):
    """Return the backend of `torch.compile` for the parameter `compile`."""
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
    """Return this machine's memory in bytes, or infinity if it is unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf
