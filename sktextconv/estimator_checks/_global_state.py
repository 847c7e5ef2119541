"""What a process shares: global generators of random numbers, and settings."""

import contextlib
import logging
import os
import random
import sys
import warnings

import numpy as np

__all__ = ["changed", "generators", "generators_used", "settings"]


def generators():
    """Return the state of each global generator, by name."""
    _, key, position, *_ = np.random.get_state()
    states = {
        "random": random.getstate(),
        "numpy.random": (key.tolist(), position),
    }
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().tolist()
        if torch.cuda.is_initialized():
            for index, state in enumerate(torch.cuda.get_rng_state_all()):
                states[f"torch on cuda:{index}"] = state.tolist()
    return states


def settings():
    """Return what else code can change for all others, by name."""
    values = {
        "warnings.filters": list(warnings.filters),
        "numpy.geterr()": np.geterr(),
        "os.environ": dict(os.environ),
        "the working directory": os.getcwd(),
        "the root logger": (logging.root.level, list(logging.root.handlers)),
    }
    if torch := sys.modules.get("torch"):
        values["torch's gradient mode"] = torch.is_grad_enabled()
        values["torch's default type"] = torch.get_default_dtype()
        values["torch's number of threads"] = torch.get_num_threads()
    return values


def changed(look, call):
    """Return the names of what `look` gives otherwise after `call()`."""
    before = look()
    call()
    after = look()
    return [name for name, value in before.items() if after[name] != value]


@contextlib.contextmanager
def generators_used():
    """Have the global generators drawn from inside the block, and put them back."""
    torch = sys.modules.get("torch")
    python, numpy_ = random.getstate(), np.random.get_state()
    torch_state = torch.get_rng_state() if torch else None
    random.random()
    np.random.rand()
    if torch:
        torch.rand(1)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy_)
        if torch:
            torch.set_rng_state(torch_state)
