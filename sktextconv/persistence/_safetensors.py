"""Saving and loading of fitted networks with safetensors."""

import contextlib
import functools
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..base import BaseTextNetClassifier
from ..training._device import resolve_device
from ..training._torch_defaults import torch_defaults
from ._format import (
    HINT,
    METADATA_KEY,
    ZERO_CHECKSUM,
    ModelFormatError,
    check_format,
    file_size,
    format_errors,
    parse_json,
    verify_checksum,
    write_with_checksum,
)
from ._header import FORMAT, make_header, restore_estimator

__all__ = ["ModelFormatError", "check_finite", "load", "save"]

_DTYPES = {torch.float32: "F32", torch.int64: "I64"}

# Limits for forged files; far above any trained network.
_MAX_HEADER = 100_000_000  # bytes, as in safetensors itself
_MAX_MEMORY = 32  # bytes of the network per byte of the file
_MAX_CALLS = 200  # calls of torch functions per tensor of the file

# Functions that draw the values of a tensor in place.
_DRAWING = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    nn.init.normal_,
    nn.init.uniform_,
}


def save(estimator: BaseTextNetClassifier, path: str | os.PathLike) -> None:
    """Write a fitted network to a file that `load` reads.

    The file holds weights and JSON, no code. It is written atomically: an existing file
    stays until the new one is complete.

    Parameters
    ----------
    estimator : classifier
        A fitted `CharCNNClassifier`, `VDCNNClassifier`, `WordCNNClassifier`,
        `KimCNNClassifier`, `RNNClassifier` or `HANClassifier`. It is not changed.
    path : str or path-like
        The file; an existing one is replaced. Any name is accepted;
        ``.safetensors`` is usual.

    Raises
    ------
    TypeError
        If `estimator` is not such a classifier, if it has a `tokenizer`, or if a label
        or a parameter is not JSON-serializable.
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    ValueError
        If a parameter is invalid, or a weight is not finite.
    OSError
        If the file cannot be written. An existing file is then unchanged.

    Warns
    -----
    UserWarning
        If a parameter is not saved; see the Notes.

    See Also
    --------
    load : Reads the file.

    Notes
    -----
    The file holds the weights, the fitted state of the encoder, `classes_`, `history_`,
    `n_iter_`, and the constructor's parameters. Parameters of the network have the
    values they had in `fit`, even if set since. The state of the optimizer is not
    saved; pickles hold it, and are about three times as large.

    Some parameters may not be JSON-serializable: `callbacks`, a `schedule` that is a
    function, an `augmenter` other than `SynonymReplacer`, `vectors` that are neither a
    str nor a path, a `random_state` that is a generator. Only training uses them; they
    are loaded as None, and a warning names them. `compile`, `checkpoint` and `resume`
    are loaded as their defaults: the loading machine may lack a compiler or the file.

    `columns_`, if the estimator has it, is saved too. ``sktextconv train`` sets this
    dict to tell ``sktextconv predict`` where the labels and texts of its file were; it
    is `columns` of the bunch that `read_csv` returns.

    The format is safetensors. Its metadata are one JSON text, which holds the SHA-256
    checksum of the file, computed with zeros in place of its own 64 digits.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sktextconv
    >>> from sktextconv import KimCNNClassifier
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> classifier = KimCNNClassifier(max_epochs=6, batch_size=8, random_state=0)
    >>> classifier = classifier.fit(texts, labels)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.safetensors"
    ...     sktextconv.save(classifier, path)
    ...     loaded = sktextconv.load(path)
    >>> loaded.predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """
    # Imported here to keep the import of this package fast.
    from safetensors.numpy import save as to_bytes

    header = json.dumps(make_header(estimator), allow_nan=False, separators=(",", ":"))
    weights = {
        # safetensors assumes C order, whatever the layout in memory.
        name: np.asarray(tensor.detach().cpu().numpy(), order="C")
        for name, tensor in estimator.net_.module_.state_dict().items()
    }
    check_finite(weights)
    data = to_bytes(weights, {METADATA_KEY: header})
    header_size = int.from_bytes(data[:8], "little")
    if header_size > _MAX_HEADER:
        raise ValueError(
            f"Expected vocabulary and names of at most {_MAX_HEADER:,} bytes, got "
            f"{header_size:,}. Set a lower max_tokens."
        )
    write_with_checksum(path, data, data.index(ZERO_CHECKSUM.encode()))


def load(path: str | os.PathLike, device: str = "cpu") -> BaseTextNetClassifier:
    """Load a network that `save` wrote.

    No code of the file is run, and all of it is checked before use: files from
    untrusted sources can be opened.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, default="cpu"
        Device of the network: "cpu", "cuda", "cuda:1", "mps", or "auto" as
        in the classifiers. The classifier's parameter `device`, which `fit` uses,
        is not changed.

    Returns
    -------
    estimator : classifier
        It predicts as the saved one: on a CPU, with the same PyTorch and number of
        threads, bit for bit. `fit` starts from scratch. `partial_fit`, and `fit` with
        ``warm_start=True``, continue from its weights with a new optimizer. Each of
        them removes `columns_`, which describes the file of the first training.

    Raises
    ------
    ModelFormatError
        If the file is damaged, or not written by `save`. It is a `ValueError`.
    OSError
        If the file cannot be read; `FileNotFoundError` if it is missing.
    ValueError
        If this PyTorch cannot use the device.

    See Also
    --------
    save : Writes the file; with an example.

    Examples
    --------
    >>> import sktextconv
    >>> sktextconv.load("no-such-model.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-model.safetensors'
    """
    from safetensors import SafetensorError, safe_open

    device, path = resolve_device(device), Path(path)
    errors = functools.partial(
        format_errors, path, writer="sktextconv.save", also=(SafetensorError,)
    )
    with errors("it is not a file"):
        size = file_size(path)
    with contextlib.ExitStack() as stack:
        hint = f"Read a pickle with pickle.load or joblib.load. {HINT}"
        with errors("it is not a complete safetensors file", hint):
            file = stack.enter_context(safe_open(path, framework="numpy"))
        with errors("it has no header of sktextconv"):
            header = parse_json((file.metadata() or {}).get(METADATA_KEY, "null"))
            verify_checksum(path, header.get("sha256"), _find_checksum)
        with errors("its format is unknown", "Update sktextconv."):
            check_format(header, FORMAT)
        hint = f"Update sktextconv if the file is newer than it. {HINT}"
        with errors("its header is invalid", hint):
            estimator, encoder, state = restore_estimator(header)
        with errors("its weights do not fit its network"):
            n_classes = len(state["classes_"])
            _check_tensors(file, estimator, encoder.n_tokens, n_classes, size)
            names = file.keys()
            weights = {name: file.get_tensor(name) for name in names}
            check_finite(weights)
    estimator.__setstate__(state | {"net_": {"device": str(device), "module": weights}})
    return estimator


def _find_checksum(file, checksum):
    """Return the position of the checksum in an open safetensors file."""
    header_size = int.from_bytes(file.read(8), "little")
    return 8 + file.read(header_size).index(checksum)


def check_finite(weights):
    """Raise `ValueError` if one of the named arrays is not finite."""
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"Expected finite weights, got NaN or infinity in {name!r}. Train the "
                "model with a lower learning_rate."
            )


def _check_tensors(file, estimator, n_tokens, n_classes, file_size):
    """Compare names, types and shapes with those of the network."""
    found = {}
    for name in file.keys():  # noqa: SIM118 (not a dict)
        tensor = file.get_slice(name)
        found[name] = f"{tensor.get_dtype()} {tensor.get_shape()}"
    # Tensors on the meta device take no memory.
    building = _NetworkBuilding(1000 + _MAX_CALLS * len(found))
    with torch_defaults(), torch.device("meta"), building:
        network = estimator._make_network(n_tokens, n_classes)
    expected = {
        name: f"{_DTYPES[tensor.dtype]} {list(tensor.shape)}"
        for name, tensor in network.state_dict().items()
    }
    for name in sorted(expected.keys() | found.keys()):
        want, got = expected.get(name, "none"), found.get(name, "none")
        if want != got:
            raise ValueError(f"Expected {want} as tensor {name!r}, got {got}.")
    # Includes non-persistent buffers, which are not in the file.
    size = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    if size > _MAX_MEMORY * file_size:
        raise ValueError(f"Expected a larger file for {size:,} bytes, got {file_size}.")


class _NetworkBuilding(TorchFunctionMode):
    """Limit on the number of torch calls that build a network without its weights.

    Functions that draw weights do nothing: some of them import `torch._dynamo` for
    tensors on the meta device, which takes a second.
    """

    def __init__(self, n_calls):
        super().__init__()
        self._n_left = n_calls

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self._n_left -= 1
        if self._n_left < 0:
            raise ValueError("Expected no more layers than there are tensors for.")
        kwargs = kwargs or {}
        if function in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)
