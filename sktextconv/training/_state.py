"""Weights and optimizer state as plain values and NumPy arrays."""

import contextlib
import copy

import numpy as np
import torch

__all__ = ["load_net_state", "net_state", "unharmed"]


# ---------------------------------------------------------------------------
# Keeping
# ---------------------------------------------------------------------------


@contextlib.contextmanager
def unharmed(net):
    """Put weights and optimizer back as they were if the block fails."""
    before = copy.deepcopy(
        {"module": net.module_.state_dict(), "optimizer": net.optimizer_.state_dict()}
    )
    try:
        yield
    except Exception:
        load_net_state(net, before)
        raise


def net_state(net):
    """Return weights and optimizer of `net` as plain values and NumPy arrays."""
    return _plain(
        {
            "device": str(net.device),
            "module": dict(net.module_.state_dict()),
            "optimizer": net.optimizer_.state_dict(),
        }
    )


def load_net_state(net, state):
    """Put what `net_state` returned into a net of the same make.

    Without an "optimizer" in it, that of the net stays as new.
    """
    net.module_.load_state_dict(_tensors(state["module"]))
    if "optimizer" not in state:
        return
    net.optimizer_.load_state_dict(_tensors(state["optimizer"]))
    # A fused step goes through weights and moments in the order of memory, so the
    # moments must lie there as their weights do: channels last, not as loaded.
    for parameter, moments in net.optimizer_.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def _plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    return _rebuild(value, _plain)


def _tensors(value):
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    return _rebuild(value, _tensors)


def _rebuild(value, convert):
    if isinstance(value, dict):
        return {key: convert(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(convert, value))
    return value
