"""Errors of the command line as messages of one line."""

import contextlib
import sys

__all__ = ["ERRORS", "format_message", "path_errors", "print_error"]

# RuntimeError: PyTorch lacks memory, or no model of a comparison was finished.
ERRORS = (
    ArithmeticError,
    ImportError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)

# Replacements of parameter names in error messages.
_OPTIONS = {
    "header=True": "--header",
    "header=False": "--no-header",
    "label_column": "--label-column",
    "text_columns": "--text-column",
    "class_names": "--class-names",
    "pass the texts first, then the labels": "set --label-column and --text-column",
    "delimiter=": "--delimiter ",
    "encoding=": "--encoding ",
    "Expected n_jobs": "Expected --jobs",
}


@contextlib.contextmanager
def path_errors():
    """Convert `OSError` for a file of the user to a one-line `ValueError`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise ValueError(str(error)) from error
        raise ValueError(f"{error.filename}: {error.strerror}.") from error


def format_message(error):
    """Return an error or warning in one line, with options instead of parameters."""
    text = " ".join(str(error).split()) or type(error).__name__
    for parameter, option in _OPTIONS.items():
        text = text.replace(parameter, option)
    return text


def print_error(message):
    """Print a message on the standard error."""
    sys.stderr.write(f"sktextconv: {message}\n")
