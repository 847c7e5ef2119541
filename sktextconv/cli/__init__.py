"""Command-line interface: arguments, exit codes, error messages."""

import argparse
import ast
import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..utils._param_names import PARAMETERS, suggest_name
from ._errors import path_errors
from ._models import DEFAULT_MODEL, LINEAR_MODELS, MODELS

__all__ = ["main"]

_LITERALS = {"true": True, "false": False, "none": None}  # besides those of Python

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
            _make_parser().parse_args(argv, args)
            _run(args)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes the standard output again at exit; discard what is left.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if args.command == "train" else 0
    except (ArithmeticError, ImportError, MemoryError, OSError, ValueError) as error:
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


# ---------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args=None, namespace=None):
        # The parser of a command reports what it does not know, not the main parser.
        namespace, unknown = super().parse_known_args(args, namespace)
        # A file after an option: `evaluate MODEL MODEL --json DATA`.
        if unknown and "paths" in namespace and not any(map(_is_option, unknown)):
            files = [*namespace.paths, namespace.data, *unknown]
            *namespace.paths, namespace.data = files
            unknown = []
        if unknown:
            right = next(filter(None, map(self._suggest, unknown)), None)
            hint = f" (did you mean {right}?)" if right else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return namespace, unknown

    def error(self, message):
        raise ValueError(f"{message}; see {self.prog} --help.")

    def _suggest(self, option):
        """Return the option that was probably meant, or None."""
        name = option.lstrip("-").partition("=")[0].replace("-", "_")
        options = {
            known.lstrip("-").replace("-", "_"): known
            for known in self._option_string_actions
            if known.startswith("--")
        }
        if right := suggest_name(name, options):
            return options[right]
        if "set" in options and (right := suggest_name(name, PARAMETERS)):
            return f"--set {right}=VALUE"
        return None


def _make_parser():
    parser = _Parser(
        prog="sktextconv",
        description="Classify texts with linear models and neural networks.",
        epilog="Exit codes: 0 success, 1 the command failed, 2 invalid call or input "
        "file, 130 after Ctrl-C.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {__version__}",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary, add_arguments in (
        ("compare", "compare models, report, and save the winner", _add_compare),
        ("train", "train a model on labeled texts and save it", _add_train),
        ("evaluate", "measure the error of models on labeled texts", _add_evaluate),
        ("predict", "predict labels of texts, as CSV or JSON lines", _add_predict),
        ("explain", "show the words that decide a prediction", _add_explain),
        ("serve", "serve a model over HTTP", _add_serve),
        ("export", "export a network to ONNX", _add_export),
    ):
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        add_arguments(command)
        command.set_defaults(command=name)
    return parser


def _add_compare(parser):
    _add_data(parser)
    _add_columns(parser, "0", "default: all others")
    parser.add_argument(
        "--models",
        metavar="NAME,...",
        type=lambda names: names.split(","),
        default=["fast"],
        help="models or groups of them: fast (the default), linear, networks, all, "
        "paper",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="folder for report.html, report.md, report.json, the plots, the winner "
        "and the finished cells, from which a second call resumes",
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        type=_parse_time,
        help="time for all of it, such as 90s, 10m or 2h (default: no limit)",
    )
    parser.add_argument(
        "--test",
        metavar="FILE",
        help="test texts, with the same columns (default: some of DATA are held out)",
    )
    parser.add_argument(
        "--cv",
        metavar="FRACTION|FOLDS",
        type=_parse_cv,
        default=0.2,
        help="fraction of DATA to hold out, or number of folds (default: %(default)s)",
    )
    parser.add_argument(
        "--group-column",
        metavar="COLUMN",
        type=_parse_column,
        help="column of groups that are never divided, such as the author",
    )
    parser.add_argument(
        "--train-sizes",
        metavar="FRACTION,...",
        type=_parse_fractions,
        default=[],
        help="smaller parts of the training texts, for learning curves",
    )
    parser.add_argument(
        "--noise",
        metavar="RATE,...",
        type=_parse_fractions,
        default=[],
        help="rates of typing errors to test with, such as 0.02,0.05",
    )
    parser.add_argument(
        "--no-select",
        action="store_false",
        dest="select",
        help="take the default parameters of all models",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        help="cells to run at the same time, with one thread each; -1 for all cores "
        "(default: one with all threads)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of all random numbers (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_train(parser):
    _add_data(parser)
    _add_columns(parser, "0", "default: all others")
    parser.add_argument(
        "--model",
        metavar="NAME",
        choices=MODELS,
        default=DEFAULT_MODEL,
        help=f"linear model: {', '.join(LINEAR_MODELS)}; or network: "
        f"{', '.join(sorted(MODELS.keys() - LINEAR_MODELS.keys()))} (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=_parse_setting,
        action="append",
        default=[],
        dest="settings",
        help="parameter of the model, such as C=0.3 of a linear model or dropout=0.2 "
        "of a network; can be repeated",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=int,
        dest="max_epochs",
        help="number of epochs of a network, as --set max_epochs=N",
    )
    parser.add_argument(
        "--device",
        help="device of a network: cuda, mps, cpu or auto (the default), as --set "
        "device=NAME",
    )
    parser.add_argument(
        "--valid",
        metavar="FRACTION|FILE",
        type=_parse_fraction_or_file,
        default=0.1,
        help="validation texts, not used in training: a fraction of DATA (default: "
        "%(default)s, 0 for none), or a file with the same columns",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of all random numbers (default: %(default)s)",
    )
    parser.add_argument(
        "--examples",
        metavar="N",
        type=int,
        choices=range(101),
        default=0,
        help="store N short validation texts in the model, which the page of serve "
        "offers to its visitors (default: %(default)s, at most 100)",
    )
    parser.add_argument(
        "--search",
        action="store_true",
        help="choose C of a linear model, or learning rate and dropout of a network, "
        "by the error on a fifth of the training texts",
    )
    parser.add_argument(
        "--card",
        metavar="FILE",
        type=Path,
        help="write a model card, in Markdown: data, error, settings, limits",
    )
    _add_out(parser, "model file to write", required=True)


def _add_evaluate(parser):
    parser.add_argument(
        "paths",
        metavar="MODEL",
        nargs="+",
        help="saved models or .onnx files; several are compared with the best of them",
    )
    _add_device(parser)
    _add_data(parser)
    _add_columns(parser, "as in training", "default: as in training")
    parser.add_argument(
        "--errors",
        metavar="FILE",
        type=Path,
        help="write the misclassified texts, as CSV or, if the name ends in .jsonl, "
        "JSON lines: row of DATA (from 1), labels and probability",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        type=Path,
        help="draw the confusion matrix of the (best) model, as .png or .svg",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_predict(parser):
    _add_model(parser)
    _add_data(parser, "; several of them, or patterns such as '*.csv'", nargs="+")
    parser.add_argument(
        "--lines", action="store_true", help="each line of DATA is a text"
    )
    _add_text_columns(parser, "default: as in training, or the only column")
    parser.add_argument(
        "--keep",
        metavar="COLUMN,...",
        type=lambda columns: list(map(_parse_column, columns.split(","))),
        default=[],
        help="input columns to write beside the label: names, or numbers from 0",
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="write the probability of each class after the label",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl"),
        default="csv",
        help="format of the output, in UTF-8 (default: %(default)s)",
    )
    _add_out(parser, "file to write (default: the standard output)")


def _add_explain(parser):
    _add_model(parser)
    parser.add_argument("--text", metavar="TEXT", required=True, help="text to explain")
    parser.add_argument(
        "--method",
        choices=("occlusion", "gradient", "attention"),
        default="occlusion",
        help="method of explanation (default: %(default)s); gradient needs a network, "
        "attention needs han",
    )
    parser.add_argument(
        "--target",
        metavar="LABEL",
        help="label to explain (default: the predicted one)",
    )
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write a web page instead"
    )


def _add_serve(parser):
    # Omit options that are not given, so that the defaults of `serve` apply.
    omitted = {"default": argparse.SUPPRESS}
    _add_model(
        parser, "; the page shows several ones side by side", nargs="+", **omitted
    )
    parser.add_argument(
        "--host", help="address to listen on (default: 127.0.0.1)", **omitted
    )
    parser.add_argument(
        "--port", type=int, help="port to listen on (default: 8000)", **omitted
    )
    parser.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        dest="allowed_hosts",
        help="host name that requests may be addressed to; can be repeated",
        **omitted,
    )
    parser.add_argument(
        "--max-characters",
        metavar="N",
        type=int,
        help="maximum length of the texts of a request (default: 100000)",
        **omitted,
    )


def _add_export(parser):
    _add_model(parser)
    _add_out(parser, "ONNX file to write", required=True)


def _add_model(parser, more="", default="cpu", **options):
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=Path,
        help=f"saved model, or for prediction .onnx{more}",
        **options,
    )
    _add_device(parser, default)


def _add_device(parser, default="cpu"):
    parser.add_argument(
        "--device",
        default=default,
        help="device: cpu (the default), cuda, mps or auto",
    )


def _add_data(parser, more="", **options):
    parser.add_argument(
        "data",
        metavar="DATA",
        help="CSV, TSV, JSON lines, Parquet or fastText file, plain, .gz or .xz; - for "
        f"the standard input{more}",
        **options,
    )
    parser.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        type=_parse_delimiter,
        help=r"character between two columns, such as ';' or '\t' (default: a comma, "
        "or a tab or semicolon if the first lines show it)",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of DATA, such as cp1252 (default: UTF-8, or that of the "
        "byte-order mark)",
    )


def _add_columns(parser, label_default, text_default):
    parser.add_argument(
        "--label-column",
        metavar="COLUMN",
        type=_parse_column,
        help=f"label column: a name, or a number from 0 (default: {label_default})",
    )
    _add_text_columns(parser, text_default)
    parser.add_argument(
        "--class-names",
        metavar="A,B,...",
        type=lambda names: names.split(","),
        help="names of the labels 1, 2, ...",
    )


def _add_text_columns(parser, default):
    parser.add_argument(
        "--text-column",
        metavar="COLUMN",
        type=_parse_column,
        action="append",
        dest="text_columns",
        help="text column: a name, or a number from 0; can be repeated to join several "
        f"columns with a space ({default})",
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default="auto",
        help="whether the first record has the column names (default: it is inferred; "
        "a column name implies --header)",
    )


def _add_out(parser, summary, *, required=False):
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=required, help=summary
    )


def _is_option(argument):
    return argument.startswith("-") and argument != "-"


def _parse_delimiter(text):
    """Return the delimiter; shells pass a tab as a backslash and a letter."""
    return "\t" if text == r"\t" else text


def _parse_column(text):
    with contextlib.suppress(ValueError):
        return int(text)
    return text


def _parse_setting(text):
    """Return name and value of ``NAME=VALUE``."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    if value.lower() in _LITERALS:
        return name, _LITERALS[value.lower()]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


def _parse_time(text):
    """Return the seconds of a time such as 90s, 10m or 2h."""
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        seconds = float(text[:-1]) * units[text[-1:].lower()]
    except (KeyError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(
            f"expected a time such as 90s, 10m or 2h, got {text!r}"
        )
    return seconds


def _parse_cv(text):
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a fraction such as 0.2, or a number of folds, got {text!r}"
        ) from None


def _parse_fractions(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected fractions such as 0.1,0.3, got {text!r}"
        ) from None


def _parse_fraction_or_file(text):
    try:
        fraction = float(text)
    except ValueError:
        return Path(text)
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(
            f"expected a fraction in [0, 1) or a file, got {text!r}"
        )
    return fraction
