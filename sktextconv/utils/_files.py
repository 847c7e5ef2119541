"""Atomic writing of files."""

import contextlib
import os
import threading

__all__ = ["atomic_write"]


@contextlib.contextmanager
def atomic_write(path):
    """A binary file to write, which takes the path's place once all went well."""
    if path.exists() and not path.is_file():
        raise FileExistsError(f"{path} is a folder or a device, and no file")
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
