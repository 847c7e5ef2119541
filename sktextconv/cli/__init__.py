"""Command-line interface: exit codes and error messages."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence

from ._errors import path_errors
from ._parser import make_parser

__all__ = ["main"]

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
}

# RuntimeError: PyTorch lacks memory, or no model of a comparison was finished.
_ERRORS = (
    ArithmeticError,
    ImportError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Parameters
    ----------
    argv : list of str, default=None
        Command-line arguments; None takes ``sys.argv[1:]``.

    Returns
    -------
    code : int
        0 on success, 1 if the command failed, 2 for an invalid call or input file, 130
        after Ctrl-C. The error message is one line on the standard error.
    """
    args = argparse.Namespace(command=None)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            make_parser().parse_args(argv, args)
            _run(args)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes the standard output again at exit; discard what is left.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if args.command == "train" else 0
    except _ERRORS as error:
        _print_error(_format_message(error))
        # ArithmeticError is raised when training diverges.
        failed = isinstance(error, ArithmeticError)
        failed |= not isinstance(error, (FileNotFoundError, ValueError))
        return 1 if failed else 2
    return 0


def _run(args):
    if args.command == "serve":
        _serve(args)
        return
    # Imported here because help must not wait for NumPy.
    from ._commands import COMMANDS

    COMMANDS[args.command](args)


def _serve(args):
    from ..serving import serve

    options = {k: v for k, v in vars(args).items() if k not in ("command", "model")}
    try:
        with path_errors():
            serve(args.model, **options)
    except SystemExit:
        raise ValueError(
            "serve: expected an available address; see the log above. Pass "
            "another --port, or 0 for a free one."
        ) from None


def _format_message(error):
    """Return an error or warning in one line, with options instead of parameters."""
    text = " ".join(str(error).split()) or type(error).__name__
    for parameter, option in _OPTIONS.items():
        text = text.replace(parameter, option)
    return text


def _print_error(message):
    sys.stderr.write(f"sktextconv: {message}\n")


def _show_warning(message, category, filename, lineno, file=None, line=None):
    _print_error(f"warning: {_format_message(message)}")
