"""Training that goes on where it was cut off, bit for bit."""

import dataclasses
import io
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from skorch.callbacks import Callback, EarlyStopping

from ..utils._files import atomic_write
from ._device import generators
from ._state import load_net_state

__all__ = ["Checkpoint", "check_place", "check_same_training", "read_checkpoint"]

_FORMAT = 1

_STOPPING = ("misses_", "dynamic_threshold_", "best_model_weights_", "best_epoch_")


@dataclasses.dataclass(eq=False)
class Checkpoint(Callback):
    """Write a file after each epoch; at the start, go on from one that was read.

    It must come after `EarlyStopping`, whose state it keeps.

    Parameters
    ----------
    path : path
        The file. It is the old one or the new one, never a part.
    about : mapping of str to plain values
        What is trained and how; a checkpoint of anything else is not gone on with.
    resumed : dict or None
        What `read_checkpoint` returned.
    """

    path: Path
    about: Mapping
    resumed: dict | None = None

    def on_train_begin(self, net, **kwargs):
        state = self.resumed
        if state is None:
            return
        load_net_state(net, state["net"])
        if net.schedule is not None:
            net.schedule.load_state_dict(state["schedule"])
        net.history.extend(row | {"batches": []} for row in state["history"])
        net.max_epochs -= len(state["history"])
        for stopping in _stopping_of(net):
            vars(stopping).update(state["stopping"])
        for generator, value in zip(
            generators(net.device), state["generators"], strict=True
        ):
            generator.set_state(value)

    def on_epoch_end(self, net, **kwargs):
        stopping = [
            {name: getattr(each, name) for name in _STOPPING}
            for each in _stopping_of(net)
        ]
        state = {
            "about": dict(self.about),
            "net": {
                "module": net.module_.state_dict(),
                "optimizer": net.optimizer_.state_dict(),
            },
            "schedule": None if net.schedule is None else net.schedule.state_dict(),
            "history": [_without_batches(row) for row in net.history],
            "stopping": stopping[0] if stopping else {},
            "generators": [each.get_state() for each in generators(net.device)],
        }
        body = io.BytesIO()
        torch.save(state, body)
        try:
            with atomic_write(self.path) as out:
                out.write(_head_of(body.getbuffer()))
                out.write(body.getbuffer())
        except OSError as error:
            raise OSError(
                f"Expected to write the checkpoint {self.path} after epoch "
                f"{len(net.history)}, got: {error}. The one before is still there. "
                "Make room, and call fit again with resume=True."
            ) from error


class _TrialError(Exception):
    pass


def check_place(path, *, required_by):
    """Raise `ValueError` unless a checkpoint can be written to a path."""
    try:
        with atomic_write(path):
            raise _TrialError
    except _TrialError:
        return
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The 'checkpoint' parameter of {required_by} must be None or the path of "
            f"a file that can be written. Got {str(path)!r}, which fails with: {error}."
        ) from error


def read_checkpoint(path):
    """Return what `Checkpoint` wrote, or None where there is no file.

    Raises
    ------
    ValueError
        If the file is no checkpoint, or damaged.
    """
    if not path.exists():
        return None
    data = memoryview(path.read_bytes())
    head, body = data[:_HEAD_SIZE], data[_HEAD_SIZE:]
    if head != _head_of(body):
        raise ValueError(
            f"Expected {path} to be a checkpoint of format {_FORMAT}, but it is "
            "damaged or something else. Delete it to start anew, or name another file "
            "as checkpoint."
        )
    # No code of the file is run.
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)


def check_same_training(path, before, about):
    """Raise `ValueError` unless two `about` tell the same but for the seed."""
    changed = [
        f"{name} was {before.get(name)!r} and is {about.get(name)!r}"
        for name in sorted(before.keys() | about.keys())
        if name != "seed" and before.get(name) != about.get(name)
    ]
    if changed:
        raise ValueError(
            f"The checkpoint {path} is of another training: {'; '.join(changed)}. Set "
            "back what was changed, or start anew with resume=False."
        )


def _head_of(body):
    """What a file begins with: its format, and the SHA-256 sum of the rest."""
    return f"sktextconv checkpoint {_FORMAT} {sha256(body).hexdigest()}\n".encode()


_HEAD_SIZE = len(_head_of(b""))


def _stopping_of(net):
    return [each for _, each in net.callbacks_ if isinstance(each, EarlyStopping)]


def _without_batches(row):
    return {name: value for name, value in row.items() if name != "batches"}
