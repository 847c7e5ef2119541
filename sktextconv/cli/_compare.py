"""The command `compare`."""

import textwrap
import time

from ..comparison import compare as compare_models
from ..comparison._format import format_significant
from ..datasets._csv import read_groups
from ._errors import path_errors
from ._inputs import file_options, read_labeled
from ._output import check_writable, print_data, print_line
from ._tables import pad_or_truncate

__all__ = ["compare"]

_WIDTH = 80
_NAME_WIDTH = 20
# Time that the report takes, a part of it in proportion to the time to compare in.
_REPORT_SECONDS, _REPORT_PART = 5.0, 0.01


def compare(args):
    """Compare models on a file, write the report, and save the winner."""
    start = time.monotonic()
    if args.out is not None:
        with path_errors():
            args.out.mkdir(parents=True, exist_ok=True)
        check_writable(args.out / "report.html")
    other_columns = [] if args.group_column is None else [args.group_column]
    texts, labels, columns = read_labeled(args.data, args, other_columns=other_columns)
    if not args.json:
        print_data(args.data, texts, labels)
    test = None
    if args.test is not None:
        classes = sorted(set(labels.tolist()))
        texts_test, labels_test, _ = read_labeled(args.test, args, columns, classes)
        if not args.json:
            print_data(args.test, texts_test, labels_test)
        test = texts_test, labels_test
    found = compare_models(
        texts,
        labels,
        models=args.models,
        test=test,
        cv=args.cv,
        groups=_read_groups(args, columns),
        select=args.select,
        train_sizes=args.train_sizes,
        noise=args.noise,
        max_seconds=_seconds_left(args, start),
        folder=None if args.out is None else args.out / "cells",
        n_jobs=args.jobs,
        random_state=args.seed,
        refit=args.out is not None,
        verbose=not args.json,
    )
    if args.json:
        print_line(found.to_json())
    else:
        for line in _table(found):
            print_line(line)
        print_line("")
        for line in textwrap.wrap(found.summarize(), _WIDTH):
            print_line(line)
        tested = {result.model for result in found.results}
        for model, reason in dict.fromkeys((e.model, e.reason) for e in found.left):
            lack = "lacks a part of its curve" if model in tested else "has no result"
            print_line(f"{model} {lack}: {reason}")
    if args.out is not None:
        found.write(args.out)
        lines = _save_winner(found, columns, args.out)
        if not args.json:
            print_line(f"report: {args.out / 'report.html'}\n{lines}")


def _seconds_left(args, start):
    """Return the seconds to compare in, without those of the report, or None."""
    if args.budget is None:
        return None
    report = 0.0 if args.out is None else _REPORT_SECONDS + _REPORT_PART * args.budget
    left = args.budget - (time.monotonic() - start) - report
    return max(left, args.budget / 2)


def _read_groups(args, columns):
    """Return the group of each text, or None; `columns` are those of the texts."""
    if args.group_column is None:
        return None
    if args.data == "-":
        raise ValueError("--group-column: expected a file, got the standard input.")
    # The header was inferred from the labels and texts, which are not read here.
    options = file_options(args) | {"header": columns["names"] is not None}
    with path_errors():
        return read_groups(args.data, args.group_column, **options)


def _table(found):
    """Return the lines of the table of a comparison."""
    lines = [
        f"  {'model':<{_NAME_WIDTH}} error %    95 % interval   train CPU s  ms/text"
        "      MB"
    ]
    for result in found.results:
        mark = " "
        if result.model == found.winner:
            mark = "*"
        elif result.is_as_good:
            mark = "="
        error, low, high = (100 * each for each in result.error)
        seconds, milliseconds, megabytes = (
            format_significant(figure.value)
            for figure in (
                result.cpu_seconds,
                result.milliseconds_per_text,
                result.megabytes,
            )
        )
        lines.append(
            f"{mark} {pad_or_truncate(result.model, _NAME_WIDTH)} {error:7.2f}   "
            f"{low:5.2f} to {high:5.2f}  {seconds:>12}  {milliseconds:>7}  "
            f"{megabytes:>6}"
        )
    lines.append("* winner: the cheapest that is as good as the best, within noise (=)")
    return lines


def _save_winner(found, columns, folder):
    """Save the winner, if it was fitted; return a line about it."""
    model, path = found.winner_estimator, folder / "model.safetensors"
    if model is None:
        path.unlink(missing_ok=True)  # the winner of an earlier call
        return (
            f"{found.winner} was not fitted to all texts and not saved; with more time "
            "(--budget), a second call does so, and runs no finished cell again"
        )
    from ..persistence import save

    model.columns_ = columns
    save(model, path)
    return f"model: {path}; to use it: sktextconv predict {path} FILE"
