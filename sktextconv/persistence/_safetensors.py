"""Saving and loading of fitted models with safetensors."""

import contextlib
import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._format import (
    HINT,
    METADATA_KEY,
    ZERO_CHECKSUM,
    ModelFormatError,
    check_finite,
    check_format,
    file_size,
    format_errors,
    parse_json,
    verify_checksum,
    write_with_checksum,
)
from ._header import FORMAT

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from ..base import BaseTextNetClassifier
    from ..online import OnlineNGramClassifier

__all__ = ["ModelFormatError", "kind_of", "load", "save"]

_MAX_HEADER = 100_000_000  # bytes, as in safetensors itself


def save(
    estimator: "BaseTextNetClassifier | OnlineNGramClassifier | Pipeline",
    path: str | os.PathLike,
    *,
    examples: Sequence[str] | None = None,
) -> None:
    """Write a fitted network or linear model to a file that `load` reads.

    The file holds weights and JSON, no code. It is written atomically: an existing file
    stays until the new one is complete.

    Parameters
    ----------
    estimator : classifier or Pipeline
        A fitted network, such as a `CharCNNClassifier`; a fitted pipeline of a
        function such as `make_tfidf_classifier`; or an `OnlineNGramClassifier`; see the
        Notes. It is not changed.
    path : str or path-like
        The file; an existing one is replaced. Any name is accepted;
        ``.safetensors`` is usual.
    examples : sequence of str, default=None
        Up to 100 texts of up to 10,000 characters to save with the model, as
        `examples_`: the page of ``sktextconv serve`` offers them to its visitors. None
        saves `examples_` of a loaded model again, and no text otherwise.

    Raises
    ------
    TypeError
        If `estimator` is not such a classifier, if it has a callable `tokenizer`, if a
        label or a parameter is not JSON-serializable, or if `examples` are not str.
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    ValueError
        If a parameter is invalid, a weight is not finite, the vocabulary takes more
        than 100 MB, an `OnlineNGramClassifier` of more than 4 GiB has more than a
        thousand columns for each n-gram, or there are too many or too long `examples`.
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
    The file of a network holds the weights, the fitted state of the encoder,
    `classes_`, `history_`, `n_iter_`, and the constructor's parameters. Parameters of
    the network have the values they had in `fit`, even if set since. The state of the
    optimizer is not saved; pickles hold it, and are about three times as large.

    Some parameters may not be JSON-serializable: `callbacks`, a `schedule` that is a
    function, an `augmenter` other than `SynonymReplacer`, `vectors` that are neither a
    str nor a path, a `random_state` that is a generator. Only training uses them; they
    are loaded as None, and a warning names them. `compile`, `checkpoint`,
    `memory` and `resume` are loaded as their defaults: the loading machine may lack a
    compiler, the file or the folder.

    A pipeline starts with a vectorizer of this package and ends with a classifier of
    `sktextconv.linear_model`. Between them are any of `CountScaler`, `LogCountRatio`
    and scikit-learn's `TfidfTransformer`. Parameters have the values they have now. A
    `random_state` that is a generator is loaded as None, with a warning. The parameters
    of the pipeline itself, such as `memory`, are loaded as their defaults.

    The file of an `OnlineNGramClassifier` holds all that its pickle does: the weights,
    those of the last step and their mean, and the document frequencies; but only the
    columns that a text contained. `n_features` and `max_n` have the values they had
    when training began, with which `partial_fit` continues. A `random_state` that is a
    generator is loaded as None, with a warning.

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

    kind = kind_of(type(estimator).__name__)
    header, tensors = kind.describe(estimator)
    if examples is not None:
        header["examples"] = examples if isinstance(examples, str) else list(examples)
    check_finite(tensors)
    # Fail here rather than write an unreadable file.
    saved, size = kind(header), sum(each.nbytes for each in tensors.values())
    found = {
        name: f"{each.dtype.kind.upper()}{8 * each.itemsize} {list(each.shape)}"
        for name, each in tensors.items()
    }
    _check_tensors(found, saved.tensors(found, size))
    saved.set_tensors(tensors)
    text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    # safetensors assumes C order, whatever the layout in memory.
    tensors = {name: np.asarray(each, order="C") for name, each in tensors.items()}
    data = to_bytes(tensors, {METADATA_KEY: text})
    header_size = int.from_bytes(data[:8], "little")
    if header_size > _MAX_HEADER:
        raise ValueError(
            f"Expected vocabulary and names of at most {_MAX_HEADER:,} bytes, got "
            f"{header_size:,}. Set a lower max_tokens or max_features."
        )
    write_with_checksum(path, data, data.index(ZERO_CHECKSUM.encode()))


def load(path: str | os.PathLike, device: str = "cpu") -> "BaseTextNetClassifier | Any":
    """Load a network or linear model that `save` wrote.

    No code of the file is run, and all of it is checked before use: files from
    untrusted sources can be opened.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, default="cpu"
        Device of the network: "cpu", "cuda", "cuda:1", "mps", or "auto" as
        in the classifiers. The classifier's parameter `device`, which `fit` uses,
        is not changed. A linear model has "cpu" only; "auto" means the same.

    Returns
    -------
    estimator : classifier or Pipeline
        It predicts as the saved one: a linear model bit for bit, without importing
        torch; a network on a CPU, with the same PyTorch and number of threads, bit for
        bit. `fit` starts from scratch. `partial_fit`, and `fit` with
        ``warm_start=True``, continue from the weights of a network with a new
        optimizer. `partial_fit` of an `OnlineNGramClassifier` continues as that of the
        saved one, bit for bit. Each of these removes `columns_` and `examples_` of a
        network or an `OnlineNGramClassifier`, which belong to other texts.

    Raises
    ------
    ModelFormatError
        If the file is damaged, or not written by `save`. It is a `ValueError`.
    OSError
        If the file cannot be read; `FileNotFoundError` if it is missing.
    ValueError
        If this PyTorch cannot use the device, or a linear model is to use one.

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

    path = Path(path)
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
        kind = kind_of(header.get("estimator"))
        hint = f"Update sktextconv if the file is newer than it. {HINT}"
        with errors("its header is invalid", hint):
            saved = kind(header)
        with errors(f"its weights do not fit its {kind.name}"):
            saved.set_tensors(_read_tensors(file, saved, size))
    return saved.finish(device)


def kind_of(name):
    """Return the class that describes and restores estimators of a class."""
    # Imported here because a linear model needs no torch, and a network no pipeline.
    if name == "Pipeline":
        from ._pipeline import SavedPipeline

        return SavedPipeline
    if name == "OnlineNGramClassifier":
        from ._online import SavedOnlineClassifier

        return SavedOnlineClassifier
    from ._network import SavedNetwork

    return SavedNetwork


def _find_checksum(file, checksum):
    """Return the position of the checksum in an open safetensors file."""
    header_size = int.from_bytes(file.read(8), "little")
    return 8 + file.read(header_size).index(checksum)


def _read_tensors(file, saved, file_size):
    """Return the tensors of a file, if names, types and shapes are those of a model."""
    found = {}
    for name in file.keys():  # noqa: SIM118 (not a dict)
        tensor = file.get_slice(name)
        found[name] = f"{tensor.get_dtype()} {tensor.get_shape()}"
    _check_tensors(found, saved.tensors(found, file_size))
    tensors = {name: file.get_tensor(name) for name in found}
    check_finite(tensors)
    return tensors


def _check_tensors(found, expected):
    """Raise `ValueError` unless names, types and shapes of tensors are the same."""
    for name in sorted(expected.keys() | found.keys()):
        want, got = expected.get(name, "none"), found.get(name, "none")
        if want != got:
            raise ValueError(f"Expected {want} as tensor {name!r}, got {got}.")
