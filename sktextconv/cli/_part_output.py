"""Output of one input file in a folder, and the record of its making."""

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import json
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from ..persistence._load import is_onnx, load_model
from ..utils._files import atomic_write
from ._errors import ERRORS, format_message, path_errors
from ._output import open_output
from ._predict import write_predictions

__all__ = ["RECORDS", "Job", "Outcome", "Part", "checksum", "forget", "predict_part"]

RECORDS = ".sktextconv"  # folder of the records, in that of the outputs


@dataclasses.dataclass(frozen=True)
class Job:
    """Model and options of all parts.

    Attributes
    ----------
    model : pathlib.Path
    checksum : str
        That of the file of the model when the command was called.
    options : argparse.Namespace
        The options that change the outputs; all are JSON-serializable.
    """

    model: Path
    checksum: str
    options: argparse.Namespace


@dataclasses.dataclass(frozen=True)
class Part:
    """Input file with its output; workers receive it.

    Attributes
    ----------
    source, out : pathlib.Path
    job : Job
    """

    source: Path
    out: Path
    job: Job

    @property
    def record(self):
        """File that tells from what the output was made."""
        return self.out.parent / RECORDS / f"{self.out.name}.json"


class Outcome(NamedTuple):
    """Result of a part: an error, or a number of texts; `is_new` if it was predicted.

    The seconds are those of reading, prediction and writing. Warnings are texts.
    """

    error: str | None = None
    n_texts: int = 0
    seconds: float = 0.0
    is_new: bool = True
    warnings: tuple[str, ...] = ()


# Warnings, numbers of threads and the model belong to the process.
_ONE_AT_A_TIME = threading.Lock()


def predict_part(part):
    """Write the output of a part, unless it is there; return the `Outcome`.

    Raises
    ------
    ImportError, OSError, ValueError
        If the model cannot be loaded. Errors of the part are in the outcome.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
        try:
            with path_errors():
                stamp, made_from = _stamp(part.source), _describe(part)
            n_texts = _count_finished(part, made_from)
        except ERRORS as error:
            return Outcome(format_message(error))
        if n_texts is not None:
            return Outcome(n_texts=n_texts, is_new=False)
        classifier = _load(part.job.model, part.job.checksum, part.job.options.device)
        start = time.perf_counter()
        try:
            with _one_thread(part.job.model):
                n_texts = _write(part, classifier, stamp, made_from)
        except ERRORS as error:
            return Outcome(format_message(error))
    texts = tuple(format_message(each.message) for each in caught)
    return Outcome(None, n_texts, time.perf_counter() - start, True, texts)


def forget():
    """Free the model."""
    _load.cache_clear()


def checksum(path):
    """Return the SHA-256 checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=1)
def _load(path, expected, device):
    """Return the model; a process loads it once."""
    with path_errors():
        if checksum(path) != expected:
            raise ValueError(
                f"{path}: expected the model that the command was called with, got "
                "another file of this name; repeat the command, and with --scheduler, "
                "check that the workers read the same folder."
            )
        return load_model(path, device=device, n_jobs=1)


def _one_thread(model):
    """Return a context with one thread; an ONNX file has no other library to limit."""
    if is_onnx(model):
        return contextlib.nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _write(part, classifier, stamp, made_from):
    """Write the output and then the record; return the number of texts."""
    with open_output(part.out) as out:
        n_texts = write_predictions(classifier, [part.source], part.job.options, out)
        if _stamp(part.source) != stamp:
            raise ValueError(
                f"{part.source}: expected a file that stays as it is, and it was "
                "written to meanwhile; repeat the command when it is complete."
            )
    record = {"made_from": made_from, "output": checksum(part.out), "texts": n_texts}
    part.record.parent.mkdir(exist_ok=True)
    with atomic_write(part.record) as file:
        file.write(json.dumps(record, indent=1).encode())
    return n_texts


def _count_finished(part, made_from):
    """Return the number of texts of a finished output, or None."""
    try:
        record = json.loads(part.record.read_bytes())
        # An edited or truncated output is made again, and so is one without its record.
        if record["made_from"] == made_from:
            return record["texts"] if record["output"] == checksum(part.out) else None
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _describe(part):
    """Return all that an output depends on, JSON-serializable."""
    return {
        "sktextconv": __version__,
        # The name of a file tells its format.
        "name": part.source.name,
        "input": checksum(part.source),
        "model": part.job.checksum,
        "options": vars(part.job.options),
    }


def _stamp(path):
    """Return size and time of a file, which change when it is written to."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns
