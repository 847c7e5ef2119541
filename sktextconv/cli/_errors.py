"""What is wrong with a file that a user named, in one sentence."""

import contextlib

__all__ = ["mistakes"]


@contextlib.contextmanager
def mistakes():
    """Turn what is wrong with a file that the user named into a `ValueError`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise ValueError(str(error)) from error
        raise ValueError(f"{error.filename}: {error.strerror}.") from error
