"""The command line: its arguments, its exit codes, and what it says when it fails."""

import argparse
import ast
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from .. import _HOMES, __version__
from ._errors import mistakes

__all__ = ["main"]

# From the name on the command line to that of the class; torch is not imported yet.
MODELS = {name.removesuffix("Classifier").lower(): name for name in _HOMES["networks"]}

_WORDS = {"true": True, "false": False, "none": None}  # values besides Python's

# As our functions call what the command line spells in another way.
_SPELLINGS = {
    "header=True": "--header",
    "label_column": "--label-column",
    "text_columns": "--text-column",
    "class_names": "--class-names",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        0 if all went well, 1 if the work failed, 2 if the user has to put something
        right, 130 after Ctrl-C. What went wrong is one sentence on the standard error.
    """
    args = argparse.Namespace(command=None)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _make_parser().parse_args(argv, args)
            _run(args)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python writes what is left once more when it ends.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if args.command == "train" else 0
    except (ArithmeticError, ImportError, MemoryError, OSError, ValueError) as error:
        _complain(_sentence(error))
        # An arithmetic one is a training that diverged.
        failed = isinstance(error, ArithmeticError)
        failed |= not isinstance(error, (FileNotFoundError, ValueError))
        return 1 if failed else 2
    return 0


def _run(args):
    if args.command == "serve":
        _serve(args)
        return
    from ._commands import COMMANDS  # not before: help is not to wait for PyTorch

    COMMANDS[args.command](args)


def _serve(args):
    # Not among the others, which need PyTorch: a server of an ONNX file does not.
    from ..serving import serve

    options = {k: v for k, v in vars(args).items() if k not in ("command", "model")}
    try:
        with mistakes():
            serve(args.model, **options)
    except SystemExit:
        raise ValueError(
            "serve: expected an address that can be listened on, which the log above "
            "says more of; pass another --port, or 0 for any that is free."
        ) from None


def _sentence(error):
    text = " ".join(str(error).split()) or type(error).__name__
    for ours, theirs in _SPELLINGS.items():
        text = text.replace(ours, theirs)
    return text


def _complain(sentence):
    sys.stderr.write(f"sktextconv: {sentence}\n")


def _show_warning(message, category, filename, lineno, file=None, line=None):
    _complain(f"warning: {_sentence(message)}")


# ---------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message}; see {self.prog} --help.")


def _make_parser():
    parser = _Parser(
        prog="sktextconv",
        description="Classify texts with convolutional and recurrent networks.",
        epilog="Exit codes: 0 fine, 1 the work failed, 2 to be put right in the call, "
        "130 after Ctrl-C.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {__version__}",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, about, add_arguments in (
        ("train", "train a network on labelled texts and save it", _for_train),
        ("evaluate", "measure the error of a model on labelled texts", _for_evaluate),
        ("predict", "label texts with a model, as CSV or JSON lines", _for_predict),
        ("explain", "show which words of a text a model goes by", _for_explain),
        ("serve", "answer over HTTP with a model", _for_serve),
        ("export", "write a model as ONNX", _for_export),
    ):
        command = commands.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}."
        )
        add_arguments(command)
        command.set_defaults(command=name)
    return parser


def _for_train(parser):
    parser.add_argument("data", metavar="DATA", help=_DATA_HELP)
    _add_columns(parser)
    parser.add_argument(
        "--model",
        choices=MODELS,
        default="charcnn",
        help="the network (default: %(default)s); linear models are not offered, "
        "since such a file keeps networks only",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=_setting,
        action="append",
        default=[],
        dest="settings",
        help="any parameter of the network, such as max_epochs=3; can be repeated",
    )
    parser.add_argument(
        "--valid",
        metavar="FRACTION|FILE",
        type=_fraction_or_file,
        default=0.1,
        help="texts to measure the error on, which are not trained on: a fraction of "
        "DATA (default: %(default)s, 0 for none), or a file of the same columns",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="of all random numbers (default: %(default)s)",
    )
    _add_out(parser, "the model to write", required=True)
    parser.set_defaults(models=MODELS)


def _for_evaluate(parser):
    _add_model(parser)
    parser.add_argument("data", metavar="DATA", help=_DATA_HELP)
    _add_columns(parser)
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def _for_predict(parser):
    _add_model(parser)
    parser.add_argument("data", metavar="DATA", help=_DATA_HELP)
    parser.add_argument(
        "--lines", action="store_true", help="each line of DATA is a text, not CSV"
    )
    _add_text_columns(
        parser, "by default all but the first of several, which is that of labels"
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="write the probability of each class beside the label",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl"),
        default="csv",
        help="of the output, which is UTF-8 (default: %(default)s)",
    )
    _add_out(parser, "file to write instead of the standard output")


def _for_explain(parser):
    _add_model(parser)
    parser.add_argument("--text", metavar="TEXT", required=True, help="the text")
    parser.add_argument(
        "--method",
        choices=("occlusion", "gradient", "attention"),
        default="occlusion",
        help="how words are weighed (default: %(default)s); attention is for han",
    )
    parser.add_argument(
        "--target",
        metavar="LABEL",
        help="the label to speak for (default: the one that is predicted)",
    )
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write a page instead"
    )


def _for_serve(parser):
    # Those that are not given stay away, so that the function's defaults hold.
    given = {"default": argparse.SUPPRESS}
    _add_model(parser, **given)
    parser.add_argument("--host", help="address to listen on", **given)
    parser.add_argument("--port", type=int, help="port to listen on", **given)
    parser.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        dest="allowed_hosts",
        help="a name that others call this machine by; can be repeated",
        **given,
    )
    parser.add_argument(
        "--max-characters",
        metavar="N",
        type=int,
        help="longest text that is taken",
        **given,
    )


def _for_export(parser):
    _add_model(parser)
    _add_out(parser, "the ONNX file to write", required=True)


_DATA_HELP = "UTF-8 file, plain, .gz or .xz; - is the standard input"


def _add_model(parser, default="cpu"):
    parser.add_argument("model", metavar="MODEL", type=Path, help="a saved network")
    parser.add_argument(
        "--device",
        default=default,
        help="where to compute: cpu (the default), cuda, mps or auto",
    )


def _add_columns(parser):
    parser.add_argument(
        "--label-column",
        metavar="COLUMN",
        type=_column,
        default=0,
        help="name of the column of labels, or its number from 0 (default: 0)",
    )
    _add_text_columns(parser, "by default all others")
    parser.add_argument(
        "--class-names",
        metavar="A,B,...",
        type=lambda names: names.split(","),
        help="what the labels 1, 2, ... stand for",
    )


def _add_text_columns(parser, otherwise):
    parser.add_argument(
        "--text-column",
        metavar="COLUMN",
        type=_column,
        action="append",
        dest="text_columns",
        help="a column of texts, likewise; can be repeated, and several are joined by "
        f"a space; {otherwise}",
    )
    parser.add_argument(
        "--header",
        action="store_true",
        help="the first record names the columns; not needed where a name is given",
    )


def _add_out(parser, about, *, required=False):
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=required, help=about
    )


def _column(text):
    with contextlib.suppress(ValueError):
        return int(text)
    return text


def _setting(text):
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    if value.lower() in _WORDS:
        return name, _WORDS[value.lower()]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


def _fraction_or_file(text):
    try:
        fraction = float(text)
    except ValueError:
        return Path(text)
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(
            f"expected a fraction from 0 to below 1, or a file, got {text!r}"
        )
    return fraction
