"""Shared parts of both file formats: JSON, labels, checksum, errors."""

import contextlib
import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..utils._files import atomic_write

__all__ = [
    "HINT",
    "METADATA_KEY",
    "OPTIONAL_KEYS",
    "ZERO_CHECKSUM",
    "ModelFormatError",
    "check_classes",
    "check_columns",
    "check_finite",
    "check_format",
    "check_keys",
    "describe_attributes",
    "file_size",
    "format_errors",
    "parse_json",
    "restore_attributes",
    "verify_checksum",
    "write_with_checksum",
]

METADATA_KEY = "sktextconv"  # of the header in the metadata of a file
ZERO_CHECKSUM = "0" * 64  # placeholder while the checksum is computed
HINT = "Copy or save the file again."
# Keys of the attributes that only some models have, such as `columns_`.
OPTIONAL_KEYS = {
    "columns": dict,  # of the file that the command line trained on
    "examples": list,  # texts that the page of the server offers
}

_LABELS = re.compile(r"\|O|[<>|](b1|[iu][1248]|f[248]|U\d+)")  # dtypes of classes
_COLUMNS = {"n_columns": int, "names": list, "label": int, "texts": list}
_MAX_EXAMPLES, _MAX_EXAMPLE = 100, 10_000  # texts, and characters of each
_MAX_LABELS = 2**26  # bytes of all labels: limits what a forged file can allocate


class ModelFormatError(ValueError):
    """Error for a file that is damaged or not written by `save` or `export_onnx`.

    The message names the file, the expected and the actual content, and a solution.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sktextconv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "notes.txt"
    ...     _ = path.write_text("no model")
    ...     try:
    ...         sktextconv.load(path)
    ...     except sktextconv.ModelFormatError as error:
    ...         print(error)
    Expected ...notes.txt to be a model that sktextconv.save wrote, but ...
    """


@contextlib.contextmanager
def format_errors(path, problem, hint=HINT, *, writer, also=()):
    """Convert parsing errors to `ModelFormatError`.

    Parameters
    ----------
    path : Path
    problem, hint : str
        Defect of the file and its solution, for the message.
    writer : str
        Name of the function that writes such files.
    also : tuple of types, default=()
        Further error types to convert, of the library that reads the file.
    """
    parsing = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError)
    try:
        yield
    except (*parsing, ValueError, *also) as error:
        detail = str(error).partition("\n")[0].rstrip(".")
        raise ModelFormatError(
            f"Expected {path} to be a model that {writer} wrote, but {problem}. "
            f"{detail}. {hint}"
        ) from error


def file_size(path):
    """Return the size of a regular file; raise `ValueError` for anything else."""
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise ValueError("Expected a file, got a folder or a device.")
    return info.st_size


def check_keys(header, keys, optional=MappingProxyType({})):
    """Raise `TypeError` unless a header has exactly these keys with their types.

    Parameters
    ----------
    header : dict
    keys : dict of str to type
    optional : mapping of str to type, default={}
        Keys that may be missing.
    """
    keys = keys | {key: kind for key, kind in optional.items() if key in header}
    for key in sorted(keys.keys() | header.keys()):
        expected = keys[key].__name__ if key in keys else "nothing"
        actual = type(header[key]).__name__ if key in header else "nothing"
        if expected != actual:
            raise TypeError(f"Expected {expected} as {key!r}, got {actual}.")


def check_format(header, version):
    """Raise `ValueError` unless a header has the known format version."""
    if header.get("format") != version:
        raise ValueError(
            f"Expected format {version}, got {header.get('format')!r}, which was "
            f"written by {header.get('versions')!r}."
        )


def parse_json(text):
    """Return a JSON object; reject duplicate keys and numbers beyond 64 bits.

    Raises
    ------
    ValueError, RecursionError
        If the text is anything else.
    """
    header = json.loads(
        text,
        object_pairs_hook=_reject_duplicates,
        parse_float=_parse_number,
        parse_int=_parse_number,
        parse_constant=_parse_number,
    )
    if type(header) is not dict:
        raise ValueError(f"Expected a JSON object, got {type(header).__name__}.")
    return header


def _reject_duplicates(pairs):
    """Return a dict; raise `ValueError` for duplicate keys."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("Expected unique keys in JSON.")
    return result


def _parse_number(text):
    """Return an int or float; raise `ValueError` beyond 64 bits."""
    # 21 digits suffice to see that a number is too large.
    value = float(text) if set(text) & set(".eE") else int(text[:21])
    if not (math.isfinite(value) and -(2**63) <= value < 2**64):
        raise ValueError(f"Expected numbers of 64 bits, got {text[:21]}.")
    return value


def check_classes(labels, dtype):
    """Return labels from JSON as an array after checking each."""
    if not _LABELS.fullmatch(dtype):
        raise TypeError(f"Expected str, int, bool or float as labels, got {dtype!r}.")
    dtype = np.dtype(dtype)
    expected = {"O": str, "U": str, "b": bool, "f": float}.get(dtype.kind, int)
    if {*map(type, labels)} != {expected}:
        raise TypeError(f"Expected {expected.__name__} as labels, got {labels!r}.")
    if len(labels) < 2 or len(labels) * dtype.itemsize > _MAX_LABELS:
        raise ValueError(
            f"Expected 2 labels or more of at most {_MAX_LABELS:,} bytes together, got "
            f"{len(labels)} of {dtype.itemsize} each."
        )
    classes = np.array(labels, dtype=dtype)
    # Catches labels that are truncated, rounded, duplicate or unsorted.
    if np.unique(classes).tolist() != labels:
        raise ValueError(f"Expected sorted labels of dtype {dtype}, got {labels!r}.")
    return classes


def check_columns(columns):
    """Return the columns of the training file from JSON after checking them."""
    check_keys(columns | {"names": columns.get("names") or []}, _COLUMNS)
    n_columns, names = columns["n_columns"], columns["names"]
    if names is not None and (len(names) != n_columns or {*map(type, names)} != {str}):
        raise ValueError(f"Expected {n_columns} names of columns, got {names!r}.")
    label, texts = columns["label"], columns["texts"]
    if {*map(type, texts)} != {int} or label in texts:
        raise TypeError(f"Expected int as positions of columns, got {columns!r}.")
    if not all(0 <= index < n_columns for index in (label, *texts)):
        raise ValueError(f"Expected positions below {n_columns}, got {columns!r}.")
    return columns


def check_finite(weights):
    """Raise `ValueError` if one of the named arrays is not finite."""
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"Expected finite weights, got NaN or infinity in {name!r}. Train the "
                "model again, a network with a lower learning_rate."
            )


def check_examples(examples):
    """Return the example texts of a model after checking them."""
    if {*map(type, examples)} - {str}:
        raise TypeError("Expected a list of str as examples.")
    longest = max(map(len, examples), default=0)
    if len(examples) > _MAX_EXAMPLES or longest > _MAX_EXAMPLE:
        raise ValueError(
            f"Expected at most {_MAX_EXAMPLES} examples of at most {_MAX_EXAMPLE:,} "
            f"characters each, got {len(examples)}, the longest of {longest:,}."
        )
    return examples


_CHECKS = {"columns": check_columns, "examples": check_examples}


def describe_attributes(estimator):
    """Return the part of a header for the attributes that only some models have."""
    return {
        key: getattr(estimator, f"{key}_")
        for key in OPTIONAL_KEYS
        if hasattr(estimator, f"{key}_")
    }


def restore_attributes(header):
    """Return the attributes that `describe_attributes` wrote, after checking them."""
    return {
        f"{key}_": _CHECKS[key](header[key]) for key in OPTIONAL_KEYS if key in header
    }


def write_with_checksum(path, data, start):
    """Write `data` with its SHA-256 checksum over the `ZERO_CHECKSUM` at `start`."""
    data = memoryview(data)
    with atomic_write(Path(path)) as out:
        out.write(data[:start])
        out.write(hashlib.sha256(data).hexdigest().encode())
        out.write(data[start + len(ZERO_CHECKSUM) :])


def verify_checksum(path, checksum, start):
    """Raise `ValueError` unless `checksum` matches the file.

    Parameters
    ----------
    path : Path
    checksum : object
        From the header; computed with `ZERO_CHECKSUM` in its place.
    start : callable
        Takes an open file and the checksum as bytes; returns its position.
    """
    if not (isinstance(checksum, str) and re.fullmatch("[0-9a-f]{64}", checksum)):
        raise ValueError(f"Expected a SHA-256 checksum, got {checksum!r}.")
    with path.open("rb") as file:
        position = start(file, checksum.encode())
        file.seek(0)
        digest = hashlib.sha256(file.read(position) + ZERO_CHECKSUM.encode())
        file.seek(len(checksum), os.SEEK_CUR)
        actual = hashlib.file_digest(file, lambda: digest).hexdigest()
    if actual != checksum:
        raise ValueError(f"Expected the SHA-256 checksum {checksum}, got {actual}.")
