"""Text stores from files of labeled texts, in this process or in several."""

import contextlib
import tempfile
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ..utils._processes import count_processes, open_processes
from ._csv import check_same_columns, join_labels, read_part
from ._store_file import StoreFile, open_writer

__all__ = ["write_files"]


def write_files(sources, path, n_jobs, **options):
    """Write the texts of files to a text store; return all items of the bunch but data.

    The bytes of the store are the same for every `n_jobs`.

    Parameters
    ----------
    sources : list of (str or path-like)
    path : pathlib.Path
    n_jobs
        As in `TextStore.from_csv`.
    **options
        Those of `read_part`.
    """
    n_processes = 1 if n_jobs is None else min(count_processes(n_jobs), len(sources))
    parts = []
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(open_writer(path))
        if n_processes == 1:
            found = _read_here(sources, writer, options)
        else:
            found = _read_in_processes(sources, path, writer, n_processes, options)
        # If this block raises an error, the processes end before the writer closes.
        for part in stack.enter_context(contextlib.closing(found)):
            if parts:
                check_same_columns(parts[0], part)
            parts.append(part)
        return join_labels(parts, options["class_names"])


def _read_here(sources, writer, options):
    """Write the texts of each file and yield its `Labels`."""
    for source in sources:
        _, labels = read_part(source, writer.write_texts, **options)
        yield labels


def _read_in_processes(sources, path, writer, n_processes, options):
    """Do the same as `_read_here`, after processes wrote a store of each file.

    Closing the generator ends the processes, even in the middle of a file.
    """
    if "-" in map(str, sources):
        raise ValueError(
            "Expected files for n_jobs above 1, got -, the standard input; pass "
            "n_jobs=None."
        )
    with (
        tempfile.TemporaryDirectory(
            prefix=f"{path.name}.", suffix=".part", dir=path.parent
        ) as folder,
        open_processes(n_processes) as executor,
    ):
        stores = [Path(folder, str(number)) for number in range(len(sources))]
        futures = [
            executor.submit(_write_file, source, store, options)
            for source, store in zip(sources, stores, strict=True)
        ]
        for source, store, future in zip(sources, stores, futures, strict=True):
            labels = _wait(future, source)
            writer.write_file(StoreFile(store))
            store.unlink()
            yield labels


def _write_file(source, path, options):
    """Write the texts of a file to a text store and return their `Labels`."""
    with open_writer(path) as writer:
        _, labels = read_part(source, writer.write_texts, **options)
    return labels


def _wait(future, source):
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"{source}: expected its labels and texts, but a process that read this "
            "or a later file has ended, perhaps for lack of memory; set fewer n_jobs."
        ) from error
