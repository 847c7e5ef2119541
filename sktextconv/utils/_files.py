"""Atomic writing of files."""

import contextlib
import os
import threading

__all__ = ["atomic_write"]


@contextlib.contextmanager
def atomic_write(path):
    """Open a binary file that replaces `path` if the block raises no error.

    Readers see either the old file or the complete new one, never a part of it.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    FileExistsError
        If `path` is not a regular file.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is a folder or a device, not a file")
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
