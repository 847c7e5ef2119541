"""Shared parts of both file formats: JSON, labels, checksum, errors."""

import contextlib
import hashlib
import json
import math
import os
import re
import stat
from pathlib import Path

import numpy as np

from ..utils._files import atomic_write

__all__ = [
    "HINT",
    "KEY",
    "ZERO_CHECKSUM",
    "ModelFormatError",
    "check_classes",
    "check_format",
    "check_keys",
    "format_errors",
    "parse",
    "size_of",
    "verify_checksum",
    "write_with_checksum",
]

KEY = "sktextconv"  # of our header in the metadata of a file
ZERO_CHECKSUM = "0" * 64  # placeholder while the checksum is computed
HINT = "Copy or save the file again."

_LABELS = re.compile(r"\|O|[<>|](b1|[iu][1248]|f[248]|U\d+)")  # dtypes of classes
_MAX_LABELS = 2**26  # bytes of all labels: limits what a forged file can allocate


class ModelFormatError(ValueError):
    """Error for a file that is damaged or not written by `save` or `export_onnx`.

    The message names the file, the expected and the found content, and a remedy.

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
        For the message: the defect of the file, and the remedy.
    writer : str
        Name of the function that writes such files.
    also : tuple of types, default=()
        Error types of the library that reads the file.
    """
    found = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError)
    try:
        yield
    except (*found, ValueError, *also) as error:
        detail = str(error).partition("\n")[0].rstrip(".")
        raise ModelFormatError(
            f"Expected {path} to be a model that {writer} wrote, but {problem}. "
            f"{detail}. {hint}"
        ) from error


def size_of(path):
    """Return the size of a regular file; raise `ValueError` for anything else."""
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise ValueError("Got a folder or a device.")
    return info.st_size


def check_keys(header, keys):
    """Raise `TypeError` unless a header has exactly these keys with their types."""
    for key in sorted(keys.keys() | header.keys()):
        wanted = keys[key].__name__ if key in keys else "nothing"
        given = type(header[key]).__name__ if key in header else "nothing"
        if wanted != given:
            raise TypeError(f"Expected {wanted} as {key!r}, got {given}.")


def check_format(header, known):
    """Raise `ValueError` unless a header has the known format version."""
    if header.get("format") != known:
        raise ValueError(
            f"Expected {known}, got {header.get('format')!r}, which was "
            f"written by {header.get('versions')!r}."
        )


def parse(text):
    """Return a JSON object; reject duplicate keys and numbers beyond 64 bits.

    Raises
    ------
    ValueError, RecursionError
        If the text is anything else.
    """
    header = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=_number,
        parse_int=_number,
        parse_constant=_number,
    )
    if type(header) is not dict:
        raise ValueError(f"Expected a JSON object, got {type(header).__name__}.")
    return header


def _unique(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("Expected no key of JSON twice.")
    return found


def _number(text):
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
    wanted = {"O": str, "U": str, "b": bool, "f": float}.get(dtype.kind, int)
    if {*map(type, labels)} != {wanted}:
        raise TypeError(f"Expected {wanted.__name__} as labels, got {labels!r}.")
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
        place = start(file, checksum.encode())
        file.seek(0)
        found = hashlib.sha256(file.read(place) + ZERO_CHECKSUM.encode())
        file.seek(len(checksum), os.SEEK_CUR)
        found = hashlib.file_digest(file, lambda: found).hexdigest()
    if found != checksum:
        raise ValueError(f"Expected the SHA-256 checksum {checksum}, got {found}.")
