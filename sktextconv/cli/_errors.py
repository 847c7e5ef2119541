"""Conversion of file errors to one-line messages."""

import contextlib

__all__ = ["path_errors"]


@contextlib.contextmanager
def path_errors():
    """Convert `OSError` for a file of the user to a one-line `ValueError`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise ValueError(str(error)) from error
        raise ValueError(f"{error.filename}: {error.strerror}.") from error
