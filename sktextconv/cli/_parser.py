"""Parser of the command line: the commands and their options."""

import argparse
from pathlib import Path

from .. import __version__
from ..utils._param_names import PARAMETERS, suggest_name
from ._arguments import (
    add_columns,
    add_data,
    add_device,
    add_model,
    add_out,
    add_seed,
    add_text_columns,
    parse_column,
    parse_cv,
    parse_fraction_or_file,
    parse_fractions,
    parse_setting,
    parse_time,
)
from ._models import DEFAULT_MODEL, LINEAR_MODELS, MODELS, ONLINE_MODELS

__all__ = ["make_parser"]


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


def make_parser():
    """Return the parser of all commands."""
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
    add_data(parser)
    add_columns(parser, "0", "default: all others")
    parser.add_argument(
        "--models",
        metavar="NAME,...",
        type=lambda names: names.split(","),
        help="models or groups of them: fast, linear, networks, all, paper (default: "
        "fast, or all with --budget)",
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
        type=parse_time,
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
        type=parse_cv,
        default=0.2,
        help="fraction of DATA to hold out, or number of folds (default: %(default)s)",
    )
    parser.add_argument(
        "--group-column",
        metavar="COLUMN",
        type=parse_column,
        help="column of groups that are never divided, such as the author; no text, "
        "unless --text-column names it",
    )
    parser.add_argument(
        "--train-sizes",
        metavar="FRACTION,...",
        type=parse_fractions,
        default=[],
        help="smaller parts of the training texts, for learning curves",
    )
    parser.add_argument(
        "--noise",
        metavar="RATE,...",
        type=parse_fractions,
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
    add_seed(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_train(parser):
    linear = LINEAR_MODELS | ONLINE_MODELS
    add_data(parser)
    add_columns(parser, "0", "default: all others")
    parser.add_argument(
        "--model",
        metavar="NAME",
        choices=MODELS,
        default=DEFAULT_MODEL,
        help=f"linear model: {', '.join(linear)}; or network: "
        f"{', '.join(sorted(MODELS.keys() - linear.keys()))} (default: %(default)s)",
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        type=parse_setting,
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
        help="number of epochs of a network or of tfidf-online, as --set max_epochs=N",
    )
    parser.add_argument(
        "--device",
        help="device of a network: cuda, mps, cpu or auto (the default), as --set "
        "device=NAME",
    )
    parser.add_argument(
        "--valid",
        metavar="FRACTION|FILE",
        type=parse_fraction_or_file,
        default=0.1,
        help="validation texts, not used in training: a fraction of DATA (default: "
        "%(default)s, 0 for none), or a file with the same columns",
    )
    add_seed(parser)
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
        "by the error on a tenth of the training texts",
    )
    parser.add_argument(
        "--card",
        metavar="FILE",
        type=Path,
        help="write a model card, in Markdown: data, error, settings, limits",
    )
    add_out(parser, "model file to write", required=True)


def _add_evaluate(parser):
    parser.add_argument(
        "paths",
        metavar="MODEL",
        nargs="+",
        help="saved models or .onnx files; several are compared with the best of them",
    )
    add_device(parser)
    add_data(parser)
    add_columns(parser, "as in training", "default: as in training")
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
    add_model(parser)
    add_data(parser, "; several of them, or patterns such as '*.csv'", nargs="+")
    parser.add_argument(
        "--lines", action="store_true", help="each line of DATA is a text"
    )
    add_text_columns(parser, "default: as in training, or the only column")
    parser.add_argument(
        "--keep",
        metavar="COLUMN,...",
        type=lambda columns: list(map(parse_column, columns.split(","))),
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
    parser.add_argument(
        "--out",
        metavar="FILE|FOLDER",
        help="file to write (default: the standard output), or folder for an output of "
        "each file of DATA, if it exists or ends in a slash, or with --jobs or "
        "--scheduler; a second call resumes",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        help="processes, with one thread and one file of DATA at a time each; -1 for "
        "all cores (default: one)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers predict, such as tcp://10.0.0.1:8786; all "
        "must find the files under the same names",
    )


def _add_explain(parser):
    add_model(parser)
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
    add_model(
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
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes that serve the port, each with its own copy of the models "
        "(default: 1)",
        **omitted,
    )
    parser.add_argument(
        "--metrics",
        action="store_true",
        help="serve metrics for Prometheus at /metrics, to everybody",
        **omitted,
    )


def _add_export(parser):
    add_model(parser)
    add_out(parser, "ONNX file to write", required=True)


def _is_option(argument):
    return argument.startswith("-") and argument != "-"
