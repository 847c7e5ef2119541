"""Speed and memory compared with plain implementations, in one run.

    python -m benchmarks.speed.cpu                        # all lines, on one CPU thread
    python -m benchmarks.speed.cpu --lines characters words
    python -m benchmarks.speed.cpu --short news.csv.xz    # where AG News has no loader

Each line runs both sides in turn, several times, and reports the median ratio. Times
are CPU times of the process, which other programs disturb less.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from .._record import RESULTS, describe_run, progress, write_json
from .._render import as_text
from .encoding import compare_char_encoding, compare_word_encoding
from .linear import compare_ngram_counting, compare_solvers
from .networks import (
    compare_charcnn_prediction,
    compare_charcnn_training,
    compare_han_training,
    compare_loop_overhead,
    compare_rnn_training,
    measure_peak_fractions,
)
from .timing import load_data

__all__ = [
    "LINES",
    "README_LINES",
    "RESULT",
    "describe",
    "make_peak_table",
    "table",
]

RESULT = RESULTS / "speed.json"

LINES = {
    "characters": compare_char_encoding,
    "words": compare_word_encoding,
    "train-charcnn": lambda data: compare_charcnn_training(data, "float32", 3.3),
    "train-charcnn-bf16": lambda data: compare_charcnn_training(data, "bfloat16", 9),
    "predict-charcnn": lambda data: compare_charcnn_prediction(data, "float32", 4),
    "predict-charcnn-bf16": lambda data: compare_charcnn_prediction(
        data, "bfloat16", 10
    ),
    "train-gru": lambda data: compare_rnn_training(data, "gru", 3),
    "train-lstm": lambda data: compare_rnn_training(data, "lstm", 4),
    "train-han": compare_han_training,
    "loop": compare_loop_overhead,
    "ngrams": compare_ngram_counting,
    "solver": compare_solvers,
}
README_LINES = ("characters", "train-charcnn-bf16", "train-lstm", "ngrams", "solver")


def table(result, names=None):
    """Return the named lines, or all, as rows of cells; the first is the header."""
    rows = [("", "Ours", "Theirs", "Ratio", "Goal", "Theirs is")]
    for key in result["lines"] if names is None else names:
        line = result["lines"][key]
        name = f"{line['name']}, {line['unit']}"
        goal = (
            "" if line["target"] is None else f"≥\N{NO-BREAK SPACE}{line['target']:g}"
        )
        figures = (_figure(line[side]) for side in ("ours", "theirs"))
        rows.append((name, *figures, f"{line['ratio']:.1f}", goal, line["against"]))
    return rows


def make_peak_table(result):
    """Return the fractions of peak as rows of cells; the first is the header."""
    rows = [("", "Texts", "Precision", "Texts/s", "GFLOP/text", "Fraction of peak")]
    for row in result["shares"]["networks"]:
        flops, fraction = row["GFLOP/text"], row["share of peak"]
        rows.append(
            (
                row["network"],
                row["texts"],
                row["precision"],
                _figure(row["texts/s"]),
                "" if flops is None else f"{flops:.2f}",
                "" if fraction is None else f"{fraction:.0%}",
            )
        )
    return rows


def describe(result):
    """Return the machine and the version of torch."""
    records = [*result["lines"].values(), result["shares"]]
    machines = {record["machine"]["cpu"] for record in records}
    versions = {record["versions"]["torch"] for record in records}
    return f"{'; '.join(sorted(machines))}, one thread, torch {'; '.join(versions)}."


def _figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.cpu", description=__doc__.partition("\n")[0]
    )
    choices = [*LINES, "shares"]
    names = "some of: " + ", ".join(choices)
    parser.add_argument(
        "--lines",
        nargs="+",
        choices=choices,
        default=choices,
        metavar="LINE",
        help=names,
    )
    parser.add_argument(
        "--short", metavar="FILE", help="CSV file of AG News, instead of the loader"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULT, help="JSON file; its other lines stay"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_data(options.short)
    result = json.loads(options.out.read_text()) if options.out.exists() else {}
    result.setdefault("lines", {})
    for name in options.lines:
        progress(name)
        about = describe_run(1, None)
        if name == "shares":
            result["shares"] = measure_peak_fractions(data) | about
        else:
            result["lines"][name] = asdict(LINES[name](data)) | about
        write_json(options.out, result)
    rows = table(result)
    notes = [against for *_, against in rows[1:]]
    sys.stdout.write(as_text([row[:-1] for row in rows], notes) + "\n")


if __name__ == "__main__":
    main()
