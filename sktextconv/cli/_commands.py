"""What the commands do, between the files they read and those they write."""

import collections
import contextlib
import csv
import difflib
import io
import json
import math
import os
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from .. import networks
from ..datasets._csv import read_csv, read_lines, read_texts
from ..inspection._explain import explain
from ..inspection._highlight import to_html, to_marks, to_terminal
from ..persistence._safetensors import load, save
from ..training._device import resolve_device
from ..utils._files import atomic_write
from ._errors import mistakes
from ._report import describe_data, describe_error, make_report

__all__ = ["COMMANDS"]

# Bound the memory of a prediction.
_TEXTS_AT_ONCE = 1024
_CHARACTERS_AT_ONCE = 2**24

_PAGE = (
    '<!doctype html>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    "<title>sktextconv explain</title>\n"
    '<body style="font-family:system-ui,sans-serif;max-width:45em;margin:2em auto">\n'
    "{}\n"
)


def _train(args):
    _check_place(args.out)
    classifier = _make_classifier(args)
    texts, labels = _read_labelled(args.data, args)
    if len(set(labels)) < 2:
        only = str(labels[0])
        raise ValueError(f"{args.data}: expected 2 classes, got {only!r} alone.")
    _tell(describe_data(args.data, labels.tolist()))
    held_out = ()
    if isinstance(args.valid, Path):
        held_out, truth = _read_labelled(args.valid, args)
        _codes_of(truth.tolist(), sorted(set(labels.tolist())), args.valid)
        _tell(describe_data(args.valid, truth.tolist()))
    elif args.valid:
        _check_split(args.data, labels, args.valid)
        texts, held_out, labels, truth = train_test_split(
            texts,
            labels,
            test_size=args.valid,
            stratify=labels,
            random_state=args.seed,
        )
        _tell(f"{len(texts):,} to train on, {len(held_out):,} held out")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Training interrupted by user")
        classifier.fit(texts, labels)
    if classifier.net_.interrupted:
        raise KeyboardInterrupt
    if held_out:
        n_wrong = int((classifier.predict(held_out) != truth).sum())
        _tell(f"held-out {describe_error(n_wrong, len(truth))}")
    save(classifier, args.out)
    _tell(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


def _evaluate(args):
    classifier = _load(args)
    classes = classifier.classes_.tolist()
    texts, labels = _read_labelled(args.data, args)
    truth = _codes_of(labels.tolist(), classes, args.data)
    predicted = np.searchsorted(classifier.classes_, classifier.predict(texts))
    report = make_report(truth, predicted, classes)
    if args.json:
        _tell(json.dumps(report.to_json()))
        return
    _tell(describe_data(args.data, labels.tolist()))
    _tell(describe_error(report.n_wrong, report.n_texts))
    _tell("\n".join(["", *report.to_table()]))


def _predict(args):
    if args.lines and (args.text_columns or args.header):
        raise ValueError("--lines: expected no --header or --text-column beside it.")
    if args.out is not None:
        _check_place(args.out)
    classifier = _load(args)
    labels = classifier.classes_.tolist()
    if args.lines:
        texts = read_lines(args.data)
    else:
        texts = read_texts(
            args.data, text_columns=args.text_columns, header=_has_header(args)
        )
    with _output(args.out) as out:
        write = _WRITERS[args.format](out, labels, args.probabilities)
        for portion in _portions(texts):
            for row in classifier.predict_proba(portion).tolist():
                write(labels[row.index(max(row))], row)
            out.flush()


def _explain(args):
    if args.html is not None:
        _check_place(args.html)
    classifier = _load(args)
    target = args.target
    if target is not None:
        classes = classifier.classes_.tolist()
        target = classes[_codes_of([target], classes, "--target")[0]]
    attribution = explain(classifier, args.text, method=args.method, target=target)
    if args.html is not None:
        with _output(args.html) as out:
            out.write(_PAGE.format(to_html(attribution)))
    elif _shows_colours(sys.stdout):
        _tell(to_terminal(attribution))
    else:
        _tell(to_marks(attribution))


def _export(args):
    from ..persistence._onnx_export import (
        export_onnx,  # which needs packages of its own
    )

    _check_place(args.out)
    export_onnx(_load(args), args.out)
    _tell(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


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
    estimator = getattr(networks, args.models[args.model])
    settings, known = dict(args.settings), list(estimator().get_params())
    for name in settings:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}."
            )
            raise ValueError(f"--set: {args.model} has no parameter {name!r}; {hint}")
    classifier = estimator(**{"random_state": args.seed, "verbose": 2} | settings)
    classifier._check_parameters()
    resolve_device(classifier.device)
    return classifier


def _load(args):
    with mistakes():
        return load(args.model, device=args.device)


def _read_labelled(path, args):
    """Return a list of texts and an array of their labels, as written in the file."""
    with mistakes():
        read = read_csv(
            path,
            label_column=args.label_column,
            text_columns=args.text_columns,
            header=_has_header(args),
            class_names=args.class_names,
        )
    if read.target.dtype.kind == "i":
        return read.data, np.array(read.target_names)[read.target]
    return read.data, read.target


def _has_header(args):
    columns = [vars(args).get("label_column"), *(args.text_columns or ())]
    return args.header or any(isinstance(column, str) for column in columns)


def _codes_of(labels, classes, where):
    """Return the place of each label, as a file has it, among the classes."""
    codes = {str(label): code for code, label in enumerate(classes)}
    unknown = sorted({*labels} - codes.keys())
    if unknown:
        raise ValueError(
            f"{where}: expected the labels that were trained on, {_listed(codes)}, "
            f"got {_listed(unknown)}."
        )
    return [codes[label] for label in labels]


def _listed(labels):
    shown = ", ".join(map(repr, list(labels)[:10]))
    return f"{shown} and {len(labels) - 10} others" if len(labels) > 10 else shown


def _check_split(path, labels, fraction):
    counts = collections.Counter(labels.tolist())
    label, n_texts = min(counts.items(), key=lambda item: item[1])
    if n_texts < 2:
        raise ValueError(
            f"{path}: expected 2 texts or more of each class, got 1 of {label!r}; name "
            "the column of labels with --label-column, pass --header if the first line "
            "names the columns, or --valid 0."
        )
    n_held_out = math.ceil(len(labels) * fraction)
    if n_held_out < len(counts):
        raise ValueError(
            f"--valid: expected to hold out a text or more of each of {len(counts)} "
            f"classes, got {n_held_out} in all; pass a larger fraction, or --valid 0."
        )


def _check_place(path):
    """Say now that a file cannot be written, and not after the work."""
    is_other = path.exists() and not path.is_file()
    if is_other or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{path}: expected a file in a folder that can be written to.")


def _portions(texts):
    portion, n_characters = [], 0
    with mistakes(), contextlib.closing(texts):
        for text in texts:
            portion.append(text)
            n_characters += len(text)
            if len(portion) == _TEXTS_AT_ONCE or n_characters > _CHARACTERS_AT_ONCE:
                yield portion
                portion, n_characters = [], 0
    if portion:
        yield portion


# ---------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------


def _tell(line):
    encoding = sys.stdout.encoding or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # to be seen now, in a file or pipe too


@contextlib.contextmanager
def _output(path):
    """A file that appears whole or not at all, or the standard output, as UTF-8."""
    with contextlib.ExitStack() as stack:
        if path is None:
            data = sys.stdout.buffer
        else:
            data = stack.enter_context(atomic_write(path))
        out = io.TextIOWrapper(data, encoding="utf-8", newline="")
        try:
            yield out
        finally:
            out.detach()  # which leaves open what is not ours to close


def _write_csv(out, labels, probabilities):
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["label", *(labels if probabilities else ())])

    def write(label, row):
        shown = [f"{value:.6f}" for value in row] if probabilities else ()
        writer.writerow([label, *shown])

    return write


def _write_jsonl(out, labels, probabilities):
    names = list(map(str, labels))

    def write(label, row):
        found = {"label": label}
        if probabilities:
            shown = (round(value, 6) for value in row)
            found["probabilities"] = dict(zip(names, shown, strict=True))
        out.write(f"{json.dumps(found)}\n")

    return write


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl}


def _shows_colours(stream):
    wanted = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()
