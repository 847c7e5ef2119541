"""Checkpoints, from which interrupted training resumes bit for bit."""

import dataclasses
import io
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from skorch.callbacks import Callback, EarlyStopping

from ..utils._files import atomic_write
from ..utils._stable_repr import stable_repr
from ._state import load_net_state

__all__ = ["Checkpoint", "describe", "open_checkpoint", "read_checkpoint"]

_FORMAT = 1

# Parameters without an effect on the trained weights; they may change on resuming.
_WITHOUT_EFFECT = {
    "verbose",
    "callbacks",
    "checkpoint",
    "memory",
    "resume",
    "warm_start",
    "n_workers",
}

_EARLY_STOPPING_STATE = (
    "misses_",
    "dynamic_threshold_",
    "best_model_weights_",
    "best_epoch_",
)


@dataclasses.dataclass(eq=False)
class Checkpoint(Callback):
    """Callback that writes a file after each epoch and resumes from one at the start.

    It must come after `EarlyStopping`, whose state it saves.

    Parameters
    ----------
    path : path
        The file, which is replaced atomically.
    fingerprint : mapping of str to str or int
        Parameters, data checksum and seed. Training only resumes from a checkpoint
        with the same fingerprint.
    resumed : dict or None
        The checkpoint to resume from, as returned by `read_checkpoint`.
    encoder : str or None
        Checksum of the fitted encoder, which `check_encoder` sets.
    """

    path: Path
    fingerprint: Mapping
    resumed: dict | None = None
    encoder: str | None = None

    @property
    def seed(self):
        """Seed of the whole training."""
        return self.fingerprint["seed"]

    def check_encoder(self, encoder):
        """Raise `ValueError` if training resumes with another fitted encoder.

        Equal parameters and texts can give another vocabulary, as the code behind a
        tokenizer may have changed.
        """
        fitted = json.dumps(encoder.get_state(), sort_keys=True).encode()
        self.encoder = sha256(fitted).hexdigest()
        if self.resumed is not None:
            before = {"encoder": self.resumed.get("encoder")}
            _check_same_training(self.path, before, {"encoder": self.encoder})

    def on_train_begin(self, net, **kwargs):
        state = self.resumed
        if state is None:
            return
        load_net_state(net, state["net"])
        if net.schedule is not None:
            net.schedule.load_state_dict(state["schedule"])
        net.history.extend(row | {"batches": []} for row in state["history"])
        net.max_epochs -= len(state["history"])
        for stopping in _early_stopping(net):
            vars(stopping).update(state["stopping"])
        for generator, value in zip(net.generators(), state["generators"], strict=True):
            generator.set_state(value)

    def on_epoch_end(self, net, **kwargs):
        if net.ranks.rank:  # process 0 writes the file
            return
        stopping = [
            {name: getattr(each, name) for name in _EARLY_STOPPING_STATE}
            for each in _early_stopping(net)
        ]
        state = {
            "about": dict(self.fingerprint),
            "encoder": self.encoder,
            "net": {
                "module": net.module_.state_dict(),
                "optimizer": net.optimizer_.state_dict(),
            },
            "schedule": None if net.schedule is None else net.schedule.state_dict(),
            "history": [_without_batches(row) for row in net.history],
            "stopping": stopping[0] if stopping else {},
            "generators": [each.get_state() for each in net.generators()],
        }
        body = io.BytesIO()
        torch.save(state, body)
        try:
            with atomic_write(self.path) as out:
                out.write(_make_head(body.getbuffer()))
                out.write(body.getbuffer())
        except OSError as error:
            raise OSError(
                f"Expected to write the checkpoint {self.path} after epoch "
                f"{len(net.history)}, got: {error}. The previous checkpoint is "
                "unchanged. Make room, and call fit again with resume=True."
            ) from error


def describe(estimator):
    """Return a dict of str with the parameters that determine the trained weights."""
    parameters = {
        name: stable_repr(value)
        for name, value in estimator.get_params(deep=False).items()
        if name not in _WITHOUT_EFFECT
    }
    return parameters | {"estimator": type(estimator).__name__}


def _fingerprint(estimator, texts, y_encoded, weights):
    """Return a dict that identifies a training: parameters and a data checksum."""
    checksum = sha256(y_encoded.tobytes() + weights.tobytes())
    for text in texts:
        checksum.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
    return describe(estimator) | {"data": checksum.hexdigest()}


def open_checkpoint(estimator, texts, y_encoded, weights, *, resume):
    """Return the `Checkpoint` of a training, read from its file if it resumes.

    Parameters
    ----------
    estimator : BaseTextNetClassifier
        Its parameter `checkpoint` is the path. It draws the seed of a training that
        does not resume.
    texts : sequence of str
    y_encoded : ndarray of int of shape (n_samples,)
    weights : ndarray of float64 of shape (n_samples,)
    resume : bool
        Whether to read the file, if there is one.

    Returns
    -------
    checkpoint : Checkpoint or None
        None if the parameter is.

    Raises
    ------
    ValueError
        If the path cannot be written, or the file holds another training.
    """
    if estimator.checkpoint is None:
        return None
    fingerprint = _fingerprint(estimator, texts, y_encoded, weights)
    path = Path(estimator.checkpoint)
    _check_writable(path, required_by=type(estimator).__name__)
    resumed = read_checkpoint(path) if resume else None
    if resumed is None:
        return Checkpoint(path, fingerprint | {"seed": estimator._make_seed()})
    _check_same_training(path, resumed["about"], fingerprint)
    return Checkpoint(path, resumed["about"], resumed)


class _TrialError(Exception):
    pass


def _check_writable(path, *, required_by):
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
    """Return the state that `Checkpoint` wrote, or None if there is no file.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or is damaged.
    """
    if not path.exists():
        return None
    data = memoryview(path.read_bytes())
    head, body = data[:_HEAD_SIZE], data[_HEAD_SIZE:]
    if head != _make_head(body):
        raise ValueError(
            f"Expected {path} to be a checkpoint of format {_FORMAT}, but it is "
            "damaged or something else. Delete it to start from scratch, or name "
            "another file as checkpoint."
        )
    # weights_only: no code from the file is executed.
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)


def _check_same_training(path, before, now):
    """Raise `ValueError` if two fingerprints differ in more than the seed."""
    changed = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if name != "seed" and before.get(name) != now.get(name)
    ]
    if changed:
        raise ValueError(
            f"The checkpoint {path} belongs to another training: {'; '.join(changed)}. "
            "Restore the previous values, or start from scratch with resume=False."
        )


def _make_head(body):
    """Return the first line of a file: its format and the checksum of the rest."""
    return f"sktextconv checkpoint {_FORMAT} {sha256(body).hexdigest()}\n".encode()


_HEAD_SIZE = len(_make_head(b""))


def _early_stopping(net):
    return [each for _, each in net.callbacks_ if isinstance(each, EarlyStopping)]


def _without_batches(row):
    return {name: value for name, value in row.items() if name != "batches"}
