"""Command-line interface: exit codes and error messages."""

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence

from ._errors import ERRORS, format_message, path_errors, print_error
from ._parser import make_parser

__all__ = ["main"]


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
        # The work of these commands is a file, which is not complete.
        is_file = args.command == "train" or getattr(args, "out", None) is not None
        return 1 if is_file else 0
    except ERRORS as error:
        print_error(format_message(error))
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


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print_error(f"warning: {format_message(message)}")
