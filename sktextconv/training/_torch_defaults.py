"""torch's default settings inside a block, whatever the caller has set."""

import contextlib
import os
import threading

import joblib
import torch

__all__ = ["torch_defaults"]


@contextlib.contextmanager
def torch_defaults(n_jobs=None, *, gradients=True):
    """Compute with torch's default settings inside the block, and restore the caller's.

    The settings are gradients, inference mode, autocast, the default device and dtype,
    and the number of threads. All but the default dtype belong to the current thread.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Number of threads; None leaves torch's unchanged.
    gradients : bool, default=True
        False enters inference mode instead.
    """
    # For a single text, contexts take as long as a small layer: enter only those that
    # change a setting.
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(not gradients))
        if gradients:
            stack.enter_context(torch.enable_grad())
        _leave_autocast(stack)
        stack.enter_context(_FLOAT32_BY_DEFAULT)
        # A default device slows every call down, so set it only if there is another.
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if n_jobs is not None:
            _set_threads(n_jobs, stack)
        yield


def _set_threads(n_jobs, stack):
    """Set the number of threads until the stack unwinds."""
    n_threads, before = 1, torch.get_num_threads()
    if n_jobs != 1:
        # The process crashes if the system cannot start that many threads.
        n_threads = min(joblib.effective_n_jobs(n_jobs), os.cpu_count() or 1)
    if n_threads != before:
        stack.callback(torch.set_num_threads, before)
        torch.set_num_threads(int(n_threads))


def _leave_autocast(stack):
    """Leave the autocast contexts of the caller until the stack unwinds.

    Nested in another one, an autocast context of ours would keep its casts of weights
    at its end, and use them again after the weights have changed.
    """
    for device_type in ("cpu", "cuda", "mps"):
        if torch.is_autocast_enabled(device_type):
            stack.enter_context(torch.autocast(device_type, enabled=False))
    torch.autocast_increment_nesting()
    while torch.autocast_decrement_nesting():
        stack.callback(torch.autocast_increment_nesting)


class _Float32ByDefault:
    """Reentrant context with float32 as default dtype, shared by all threads.

    The process has one default dtype. The last thread that leaves restores it, unless
    it was changed in between.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_inside = 0
        self._before = None

    def __enter__(self):
        with self._lock:
            current = torch.get_default_dtype()
            if not self._n_inside or current != torch.float32:
                self._before = current
            if current != torch.float32:
                torch.set_default_dtype(torch.float32)
            self._n_inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside or self._before == torch.float32:
                return
            if torch.get_default_dtype() == torch.float32:
                torch.set_default_dtype(self._before)


_FLOAT32_BY_DEFAULT = _Float32ByDefault()
