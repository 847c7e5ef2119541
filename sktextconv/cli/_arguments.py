"""Arguments that several commands share, and the values of arguments."""

import argparse
import ast
import contextlib
from pathlib import Path

__all__ = [
    "add_columns",
    "add_data",
    "add_device",
    "add_model",
    "add_out",
    "add_seed",
    "add_text_columns",
    "parse_column",
    "parse_cv",
    "parse_fraction_or_file",
    "parse_fractions",
    "parse_setting",
    "parse_time",
]

_LITERALS = {"true": True, "false": False, "none": None}  # besides those of Python


def add_model(parser, more="", default="cpu", **options):
    """Add MODEL and its device."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=Path,
        help=f"saved model, or for prediction .onnx{more}",
        **options,
    )
    add_device(parser, default)


def add_device(parser, default="cpu"):
    """Add the device of a saved model."""
    parser.add_argument(
        "--device",
        default=default,
        help="device: cpu (the default), cuda, mps or auto",
    )


def add_seed(parser):
    """Add the seed of all random numbers."""
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of all random numbers (default: %(default)s)",
    )


def add_data(parser, more="", **options):
    """Add DATA, with its delimiter and encoding."""
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


def add_columns(parser, label_default, text_default):
    """Add the columns of labels and texts, and the names of classes."""
    parser.add_argument(
        "--label-column",
        metavar="COLUMN",
        type=parse_column,
        help=f"label column: a name, or a number from 0 (default: {label_default})",
    )
    add_text_columns(parser, text_default)
    parser.add_argument(
        "--class-names",
        metavar="A,B,...",
        type=lambda names: names.split(","),
        help="names of the labels 1, 2, ...",
    )


def add_text_columns(parser, default):
    """Add the columns of texts, and whether there is a header."""
    parser.add_argument(
        "--text-column",
        metavar="COLUMN",
        type=parse_column,
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


def add_out(parser, summary, *, required=False):
    """Add the file to write."""
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=required, help=summary
    )


def _parse_delimiter(text):
    """Return the delimiter; shells pass a tab as a backslash and a letter."""
    return "\t" if text == r"\t" else text


def parse_column(text):
    """Return the number or the name of a column."""
    with contextlib.suppress(ValueError):
        return int(text)
    return text


def parse_setting(text):
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


def parse_time(text):
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


def parse_cv(text):
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a fraction such as 0.2, or a number of folds, got {text!r}"
        ) from None


def parse_fractions(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected fractions such as 0.1,0.3, got {text!r}"
        ) from None


def parse_fraction_or_file(text):
    try:
        fraction = float(text)
    except ValueError:
        return Path(text)
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(
            f"expected a fraction in [0, 1) or a file, got {text!r}"
        )
    return fraction
