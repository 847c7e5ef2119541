"""Implementation of the commands, except `serve`."""

import collections
import contextlib
import csv
import functools
import io
import itertools
import json
import math
import os
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from .. import networks
from ..datasets._columns import Columns
from ..datasets._csv import read_labeled
from ..datasets._header import describe_cells
from ..datasets._unlabeled import open_lines, open_texts
from ..inspection._explain import explain
from ..inspection._highlight import annotate, to_ansi, to_html
from ..persistence._safetensors import load, save
from ..training._device import resolve_device
from ..utils._files import atomic_write
from ..utils._param_names import describe_unknown_name
from ._errors import path_errors
from ._inputs import expand_files, read_files
from ._output import check_suffix
from ._report import describe_data, describe_error, make_report

__all__ = ["COMMANDS"]

# Limits of a batch of `predict`, which bound its memory.
_MAX_TEXTS = 1024
_MAX_CHARACTERS = 2**24

_HTML_PAGE = (
    '<!doctype html>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    "<title>sktextconv explain</title>\n"
    '<body style="font-family:system-ui,sans-serif;max-width:45em;margin:2em auto">\n'
    "{}\n"
)


def _train(args):
    # Check the output file now rather than after the training.
    check_suffix(args.out, "train")
    _check_writable(args.out)
    classifier = _make_classifier(args)
    texts, labels, columns = _read_labeled(args.data, args)
    if len(set(labels)) < 2:
        only = str(labels[0])
        raise ValueError(f"{args.data}: expected 2 classes or more, got only {only!r}.")
    _print_data(args.data, texts, labels)
    held_out = ()
    if isinstance(args.valid, Path):
        classes = sorted(set(labels.tolist()))
        held_out, y_true, _ = _read_labeled(args.valid, args, columns, classes)
        # Raise if a label does not occur in the training data.
        _class_indices(y_true.tolist(), classes, args.valid)
        _print_data(args.valid, held_out, y_true)
    elif args.valid:
        _check_split(args.data, labels, args.valid)
        texts, held_out, labels, y_true = train_test_split(
            texts,
            labels,
            test_size=args.valid,
            stratify=labels,
            random_state=args.seed,
        )
        _print_line(f"{len(texts):,} to train on, {len(held_out):,} held out")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training interrupted by user")
        classifier.fit(texts, labels)
    if classifier.net_.interrupted:
        raise KeyboardInterrupt
    if held_out:
        n_wrong = int((classifier.predict(held_out) != y_true).sum())
        _print_line(f"held-out {describe_error(n_wrong, len(y_true))}")
    classifier.columns_ = columns
    save(classifier, args.out)
    _print_line(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


def _evaluate(args):
    classifier = _load(args)
    classes = classifier.classes_.tolist()
    columns = getattr(classifier, "columns_", None)
    texts, labels, _ = _read_labeled(args.data, args, columns, classes)
    y_true = _class_indices(labels.tolist(), classes, args.data)
    y_pred = np.searchsorted(classifier.classes_, classifier.predict(texts))
    report = make_report(y_true, y_pred, classes)
    if args.json:
        _print_line(json.dumps(report.to_json()))
        return
    _print_data(args.data, texts, labels)
    _print_line(describe_error(report.n_wrong, report.n_texts))
    _print_line("\n".join(["", *report.to_table()]))


def _predict(args):
    if args.lines and (args.text_columns or args.header != "auto" or args.delimiter):
        raise ValueError(
            "--lines: expected no --header or --text-column or --delimiter with it."
        )
    if args.out is not None:
        _check_writable(args.out)
    classifier = _load(args)
    labels = classifier.classes_.tolist()
    with contextlib.ExitStack() as stack:
        with path_errors():
            open_file = functools.partial(_open_texts, classifier, args)
            rows = read_files(expand_files(args.data), open_file)
            stack.enter_context(contextlib.closing(rows))
            names = next(rows)
        batches = _batches(rows)
        # Nothing is written if the first texts are not there.
        batches = itertools.chain([next(batches, ([], []))], batches)
        out = stack.enter_context(_open_output(args.out))
        write = _WRITERS[args.format](out, labels, args.probabilities, names)
        for texts, kept in batches:
            probabilities = classifier.predict_proba(texts).tolist() if texts else ()
            # `strict` checks that there are as many answers as texts.
            for row, cells in zip(probabilities, kept, strict=True):
                write(labels[row.index(max(row))], row, cells)
            out.flush()


def _explain(args):
    if args.html is not None:
        _check_writable(args.html)
    classifier = _load(args)
    target = args.target
    if target is not None:
        classes = classifier.classes_.tolist()
        target = classes[_class_indices([target], classes, "--target")[0]]
    attribution = explain(classifier, args.text, method=args.method, target=target)
    if args.html is not None:
        with _open_output(args.html) as out:
            out.write(_HTML_PAGE.format(to_html(attribution)))
    elif _supports_color(sys.stdout):
        _print_line(to_ansi(attribution))
    else:
        _print_line(annotate(attribution))


def _export(args):
    from ..persistence._onnx_export import export_onnx

    check_suffix(args.out, "export")
    _check_writable(args.out)
    export_onnx(_load(args), args.out)
    _print_line(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


COMMANDS = {
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "export": _export,
}


# ---------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------


def _make_classifier(args):
    """Return the classifier of `train`, with checked parameters."""
    estimator = getattr(networks, args.models[args.model])
    settings, known = dict(args.settings), list(estimator().get_params())
    for name, option in (("max_epochs", "--epochs"), ("device", "--device")):
        value = vars(args)[name]
        if value is not None and name in settings:
            raise ValueError(f"expected {option} or --set {name}=..., got both.")
        if value is not None:
            settings[name] = value
    for name in settings:
        if name not in known:
            hint = describe_unknown_name(name, known)
            raise ValueError(f"--set: {args.model} has no parameter {name!r}; {hint}")
    classifier = estimator(**{"random_state": args.seed, "verbose": 2} | settings)
    classifier._check_parameters()
    resolve_device(classifier.device)
    return classifier


def _load(args):
    with path_errors():
        return load(args.model, device=args.device)


def _read_labeled(path, args, columns=None, classes=()):
    """Return a list of texts, an array of their labels as strings, and the columns.

    Parameters
    ----------
    columns : dict, default=None
        Columns of the training file, which replace those that are not given.
    classes : list, default=()
        Labels of the training data.
    """
    with path_errors():
        read = read_labeled(
            path,
            list,
            label_column=args.label_column,
            text_columns=args.text_columns,
            header=args.header,
            class_names=args.class_names,
            delimiter=args.delimiter,
            encoding=args.encoding,
            trained=columns and Columns(**columns),
            known_labels=_names_in_files(classes),
            field_order="forward",
            line_breaks=True,
            strip=True,
        )
    if read.target.dtype.kind == "i":
        labels = np.array(read.target_names)[read.target]
        return read.data, labels, read.columns
    return read.data, read.target, read.columns


def _open_texts(classifier, args, path):
    """Open a file of texts to predict: names of columns to keep, and rows."""
    if args.lines:
        return open_lines(path, encoding=args.encoding, keep=args.keep)
    columns = getattr(classifier, "columns_", None)
    return open_texts(
        path,
        text_columns=args.text_columns,
        header=args.header,
        delimiter=args.delimiter,
        encoding=args.encoding,
        keep=args.keep,
        trained=columns and Columns(**columns),
        labels=_names_in_files(classifier.classes_.tolist()),
    )


def _names_in_files(classes):
    """Return the labels of classes, and the numbers that --class-names replaces."""
    return {*map(str, classes), *map(str, range(1, len(classes) + 1))}


def _class_indices(labels, classes, where):
    """Return the index among the classes of each label, given as a string."""
    indices = {str(label): index for index, label in enumerate(classes)}
    unknown = sorted({*labels} - indices.keys())
    if unknown:
        raise ValueError(
            f"{where}: expected labels of the training data, "
            f"{describe_cells(list(indices))}, got {describe_cells(unknown)}."
        )
    return [indices[label] for label in labels]


def _check_split(path, labels, fraction):
    """Raise `ValueError` unless both parts of a split can have every class."""
    counts = collections.Counter(labels.tolist())
    label, n_texts = min(counts.items(), key=lambda item: item[1])
    if n_texts < 2:
        raise ValueError(
            f"{path}: expected 2 texts or more of each class, got 1 of "
            f"{describe_cells([label])}; set the label column with --label-column, or "
            "pass --valid 0."
        )
    n_held_out = math.ceil(len(labels) * fraction)
    if n_held_out < len(counts):
        raise ValueError(
            f"--valid: expected to hold out a text or more of each of {len(counts)} "
            f"classes, got {n_held_out} in total; pass a larger fraction or --valid 0."
        )


def _check_writable(path):
    """Raise `ValueError` early if a file cannot be written."""
    is_special = path.exists() and not path.is_file()
    if is_special or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{path}: expected a file in a writable folder.")


def _batches(rows):
    """Yield lists of texts that fit into memory, each with a list of kept cells."""
    texts, kept, n_characters = [], [], 0
    with path_errors():
        for text, cells in rows:
            texts.append(text)
            kept.append(cells)
            n_characters += len(text) + sum(map(len, cells))
            if len(texts) == _MAX_TEXTS or n_characters > _MAX_CHARACTERS:
                yield texts, kept
                texts, kept, n_characters = [], [], 0
    if texts:
        yield texts, kept


# ---------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------


def _print_data(path, texts, labels):
    """Print the number of texts of each class, and of empty and blank ones."""
    _print_line(describe_data(path, labels.tolist()))
    n_empty = sum(not text.strip() for text in texts)
    if n_empty:
        _print_line(f"{path}: empty texts: {n_empty:,} of {len(texts):,}")


def _print_line(line):
    """Print a line, with escapes for characters that the terminal cannot encode."""
    encoding = sys.stdout.encoding or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{line}\n")
    # Python buffers files and pipes.
    sys.stdout.flush()


@contextlib.contextmanager
def _open_output(path):
    """Open the standard output or an atomically written file, as UTF-8 text."""
    with contextlib.ExitStack() as stack:
        if path is None:
            data = sys.stdout.buffer
        else:
            data = stack.enter_context(atomic_write(path))
        out = io.TextIOWrapper(data, encoding="utf-8", newline="")
        try:
            yield out
        finally:
            # Leave the standard output open; `atomic_write` closes its file.
            out.detach()


def _write_csv(out, labels, probabilities, kept):
    writer = csv.writer(out, lineterminator="\n")
    names = ["label", *(map(str, labels) if probabilities else ())]
    # The answer keeps its names whatever the input has.
    writer.writerow([*names, *(f"input_{x}" if x in names else x for x in kept)])

    def write(label, row, cells):
        shown = [f"{value:.6f}" for value in row] if probabilities else ()
        writer.writerow([label, *shown, *cells])

    return write


def _write_jsonl(out, labels, probabilities, kept):
    names = list(map(str, labels))

    def write(label, row, cells):
        record = {"label": label}
        if probabilities:
            shown = (round(value, 6) for value in row)
            record["probabilities"] = dict(zip(names, shown, strict=True))
        if kept:
            record["input"] = dict(zip(kept, cells, strict=True))
        out.write(f"{json.dumps(record)}\n")

    return write


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl}


def _supports_color(stream):
    allowed = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return allowed and stream.isatty()
