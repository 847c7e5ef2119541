"""Weights and optimizer state as NumPy arrays and JSON-serializable values."""

import contextlib
import copy

import numpy as np
import torch

__all__ = ["load_net_state", "net_state", "restore_on_error"]


@contextlib.contextmanager
def restore_on_error(net):
    """Restore weights and optimizer state if the block raises or is interrupted."""
    before = copy.deepcopy(
        {"module": net.module_.state_dict(), "optimizer": net.optimizer_.state_dict()}
    )
    try:
        yield
    except BaseException:  # KeyboardInterrupt as well
        load_net_state(net, before)
        raise


def net_state(net):
    """Return weights and optimizer state of `net` without tensors."""
    return _to_numpy(
        {
            "device": str(net.device),
            "module": dict(net.module_.state_dict()),
            "optimizer": net.optimizer_.state_dict(),
        }
    )


def load_net_state(net, state):
    """Load the result of `net_state` into a net of the same architecture.

    Without an "optimizer" in `state`, the net's optimizer is left as it is.
    """
    net.module_.load_state_dict(_to_tensors(state["module"]))
    if "optimizer" not in state:
        return
    net.optimizer_.load_state_dict(_to_tensors(state["optimizer"]))
    # A fused step walks weights and moments in memory order, so moments need the memory
    # layout of their weights (channels last), which loading does not preserve.
    for parameter, moments in net.optimizer_.state.items():
        for name, moment in moments.items():
            if moment.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter).copy_(moment)


def _to_numpy(value):
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    return _map_nested(value, _to_numpy)


def _to_tensors(value):
    if isinstance(value, np.ndarray):
        return torch.tensor(value)
    return _map_nested(value, _to_tensors)


def _map_nested(value, convert):
    if isinstance(value, dict):
        return {key: convert(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(convert, value))
    return value
