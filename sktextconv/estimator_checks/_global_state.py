"""State that a whole process shares: random number generators and settings."""

import contextlib
import logging
import os
import random
import sys
import warnings

import numpy as np

__all__ = [
    "advanced_generators",
    "changed_names",
    "generator_states",
    "global_settings",
]


def generator_states():
    """Return the state of each global random number generator, by name."""
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


def global_settings():
    """Return the settings that affect all code of the process, by name."""
    values = {
        "warnings.filters": list(warnings.filters),
        "numpy.geterr()": np.geterr(),
        "os.environ": dict(os.environ),
        "the working directory": os.getcwd(),
        "the root logger": (logging.root.level, list(logging.root.handlers)),
    }
    if torch := sys.modules.get("torch"):
        values["torch's gradient mode"] = torch.is_grad_enabled()
        values["torch's default dtype"] = torch.get_default_dtype()
        values["torch's number of threads"] = torch.get_num_threads()
    return values


def changed_names(snapshot, call):
    """Return the names whose values in `snapshot()` differ after `call()`."""
    before = snapshot()
    call()
    after = snapshot()
    return [name for name, value in before.items() if after[name] != value]


@contextlib.contextmanager
def advanced_generators():
    """Draw from each global generator; restore their states after the block."""
    torch = sys.modules.get("torch")
    python_state, numpy_state = random.getstate(), np.random.get_state()
    torch_state = torch.get_rng_state() if torch else None
    random.random()
    np.random.rand()
    if torch:
        torch.rand(1)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        if torch:
            torch.set_rng_state(torch_state)
