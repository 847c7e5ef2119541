"""The command `predict` with an output of its own for each input file, in a folder."""

import argparse
import contextlib
import dataclasses
import re
import time
from pathlib import Path

from ..utils._timing import describe_seconds
from ._errors import path_errors, print_error
from ._inputs import expand_files
from ._output import print_line
from ._part_output import RECORDS, Job, Part, checksum
from ._part_workers import (
    LostWorkerError,
    predict_here,
    predict_in_processes,
    predict_on_dask,
)
from ._tables import display_width, pad_or_truncate

__all__ = ["predict_parts"]

_WIDTH = 80  # columns of a terminal
_MAX_NAMES = 10  # in an error

# Options that change the outputs.
_OPTIONS = ("lines", "text_columns", "header", "delimiter", "encoding", "keep")
_OPTIONS += ("probabilities", "format", "device")

# End of the name of an input, which its output does not have.
_SUFFIX = re.compile(
    r"(?<=.)(\.(csv|tsv|txt|jsonl|ndjson|json|parquet|pq))?(\.gz|\.xz)?\Z",
    re.IGNORECASE,
)


def predict_parts(args):
    """Write an output for each file, except for those that are there already.

    Raises
    ------
    ValueError
        If the options or the model are invalid, or outputs would have the same name.
    RuntimeError
        If some of the files cannot be read, after all others are done, or if a worker
        process was killed.
    """
    parts = _plan(args)
    n_processes = _count_processes(args, parts)
    folder = parts[0].out.parent
    with path_errors():
        (folder / RECORDS).mkdir(parents=True, exist_ok=True)
    _remove_unfinished(parts)
    progress, may_write = _Progress(parts), True
    try:
        with contextlib.closing(_start(parts, args.scheduler, n_processes)) as outcomes:
            for part, outcome in outcomes:
                progress.add(part, outcome)
        may_write = False
    except KeyboardInterrupt:
        print_line(progress.describe_done())
        raise
    except LostWorkerError as error:
        raise RuntimeError(f"{error}: {progress.describe_done()}") from error
    finally:
        # After an error, Dask workers complete what they have begun.
        if args.scheduler is None or not may_write:
            _remove_unfinished(parts)
    progress.finish()


def _plan(args):
    """Return the parts; check options and names."""
    if args.jobs is not None and args.scheduler is not None:
        raise ValueError("expected --jobs or --scheduler, got both.")
    if args.out is None:
        given = "--jobs" if args.scheduler is None else "--scheduler"
        raise ValueError(f"{given}: expected --out FOLDER with it, got no --out.")
    folder = Path(args.out)
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"--out {folder}: expected a folder, as --jobs and --scheduler need it, or "
            "as the slash says, got a file."
        )
    options = argparse.Namespace(**{name: getattr(args, name) for name in _OPTIONS})
    with path_errors():
        paths = expand_files(args.data)
        job = Job(args.model, checksum(args.model), options)
    parts = []
    for path in paths:
        if not path.is_file():
            raise ValueError(
                f"{path}: expected a file, since --out is a folder, got something else."
            )
        out = folder / f"{_SUFFIX.sub('', path.name)}.{args.format}"
        parts.append(Part(path, out, job))
    _check_outputs(parts, folder)
    return parts


def _check_outputs(parts, folder):
    """Raise `ValueError` if an output would replace another one or an input."""
    read = {part.source.resolve() for part in parts} | {parts[0].job.model.resolve()}
    sources = {}
    for part in parts:
        # Some file systems take upper and lower case as the same.
        other = sources.setdefault(part.out.name.casefold(), part)
        if other is not part and other.source == part.source:
            raise ValueError(f"{part.source}: expected each file once, got it twice.")
        if other is not part:
            raise ValueError(
                f"{part.source}: expected files with different names, and "
                f"{other.source} has the output {part.out}, too; rename one of them, "
                "or call predict for each of their folders, with another --out."
            )
        if part.out.resolve() in read:
            raise ValueError(
                f"--out {folder}: expected a folder other than those of the inputs, "
                f"and {part.out} is one of them."
            )


def _count_processes(args, parts):
    """Return the number of processes that predict."""
    if args.jobs is None:
        return 1
    # Imports joblib, which one process does not need.
    from ..utils._processes import count_processes

    return min(count_processes(args.jobs), len(parts))


def _start(parts, scheduler, n_processes):
    """Return an iterator of parts with their outcomes."""
    if scheduler is not None:
        # Dask workers have another working folder.
        job = parts[0].job
        job = dataclasses.replace(job, model=job.model.absolute())
        parts = [
            Part(part.source.absolute(), part.out.absolute(), job) for part in parts
        ]
        return predict_on_dask(parts, scheduler)
    if n_processes == 1:
        return predict_here(parts)
    return predict_in_processes(parts, n_processes)


def _remove_unfinished(parts):
    """Remove what processes have left that were killed while they wrote an output."""
    folder = parts[0].out.parent
    for where, suffix in ((folder, ""), (folder / RECORDS, ".json")):
        names = {f"{part.out.name}{suffix}" for part in parts}
        for path in where.glob("*.part"):
            # `atomic_write` adds these numbers.
            if re.sub(r"\.\d+\.\d+\.part\Z", "", path.name) in names:
                path.unlink(missing_ok=True)


class _Progress:
    """Lines about the outcomes, as they arrive and in the end."""

    def __init__(self, parts):
        self._sizes = {part.source.name: part.source.stat().st_size for part in parts}
        self._bytes_left = sum(self._sizes.values())
        self._bytes = self._n_texts = 0  # of the new outputs
        self._start = time.monotonic()
        self._first = None  # time at which the first prediction began
        self._outcomes, self._errors = {}, []

    def add(self, part, outcome):
        """Print a line about an outcome, and its warnings."""
        name = part.source.name
        n_bytes = self._sizes[name]
        self._outcomes[name] = outcome
        self._bytes_left -= n_bytes
        for text in outcome.warnings:
            print_error(f"warning: {name}: {text}")
        if outcome.error is not None:
            text = outcome.error
            self._errors.append(text if name in text else f"{part.source}: {text}")
            self._print(name, "failed")
        elif not outcome.is_new:
            self._print(name, "done before")
        else:
            if self._first is None:
                self._first = time.monotonic() - outcome.seconds
            self._bytes += n_bytes
            self._n_texts += outcome.n_texts
            texts = _count(outcome.n_texts, "text")
            self._print(name, f"{texts} in {outcome.seconds:.1f} s")

    def describe_done(self):
        """Return which parts are done, after others were given up.

        Processes may have completed more of them, and have not told.
        """
        names = [name for name in self._sizes if self._is_done(name)]
        shown = ", ".join(names[:_MAX_NAMES])
        if len(names) > _MAX_NAMES:
            shown += f" and {len(names) - _MAX_NAMES} others"
        return (
            f"at least {len(names)} of {len(self._sizes)} files are done"
            f"{': ' if shown else ''}{shown}; the same command does the rest."
        )

    def finish(self):
        """Print a line about all parts; raise `RuntimeError` if some have failed."""
        outcomes = list(self._outcomes.values())
        n_failed = len(self._errors)
        n_before = sum(not each.is_new for each in outcomes)
        counts = f"{len(outcomes) - n_failed - n_before} predicted"
        counts += f", {n_before} done before" if n_before else ""
        counts += f", {n_failed} failed" if n_failed else ""
        seconds = describe_seconds(time.monotonic() - self._start)
        files, texts = _count(len(outcomes), "file"), _count(self._n_texts, "text")
        print_line(f"{files}: {counts}; {texts} in {seconds}")
        if not n_failed:
            return
        for text in self._errors:
            print_error(text)
        raise RuntimeError(
            f"{n_failed} of {len(outcomes)} files failed, for the reasons above; the "
            "same command tries them again, and no others."
        )

    def _is_done(self, name):
        outcome = self._outcomes.get(name)
        return outcome is not None and outcome.error is None

    def _print(self, name, text):
        n_files = len(self._sizes)
        head = f"[{len(self._outcomes):>{len(str(n_files))}}/{n_files}] "
        if self._bytes and self._bytes_left > 0:
            seconds = time.monotonic() - self._first
            seconds *= self._bytes_left / self._bytes
            text += f"; about {describe_seconds(max(seconds, 1))} to go"
        room = _WIDTH - len(head) - len(text) - 2
        name = pad_or_truncate(name, min(room, display_width(name)), keep_end=True)
        print_line(f"{head}{name}: {text}")


def _count(number, noun):
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
