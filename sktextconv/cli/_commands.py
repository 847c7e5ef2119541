"""Implementation of the commands, except `serve`."""

import contextlib
import csv
import functools
import html
import itertools
import json
import os
import sys

from ..datasets._columns import Columns
from ..datasets._unlabeled import open_lines, open_texts
from ..persistence._load import is_onnx, load_model
from ._errors import path_errors
from ._inputs import (
    class_indices,
    expand_files,
    file_options,
    names_in_files,
    read_files,
)
from ._output import check_suffix, check_writable, open_output, print_line

__all__ = ["COMMANDS"]

# Limits of a batch of `predict`, which bound its memory.
_MAX_TEXTS = 1024
_MAX_CHARACTERS = 2**24

_HTML_PAGE = (
    '<!doctype html>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n'
    '<meta name="color-scheme" content="light dark">\n'
    "<title>{title}</title>\n"
    '<body style="font-family:system-ui,sans-serif;max-width:45em;margin:1.5em auto;'
    'padding:0 1em">\n<h1 style="font-size:1.1em">{name}</h1>\n{content}\n'
)


def _predict(args):
    if args.lines and (args.text_columns or args.header != "auto" or args.delimiter):
        raise ValueError(
            "--lines: expected no --header or --text-column or --delimiter with it."
        )
    if args.out is not None:
        check_writable(args.out)
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
        out = stack.enter_context(open_output(args.out))
        write = _WRITERS[args.format](out, labels, args.probabilities, names)
        for texts, kept in batches:
            probabilities = classifier.predict_proba(texts).tolist() if texts else ()
            # `strict` checks that there are as many answers as texts.
            for row, cells in zip(probabilities, kept, strict=True):
                write(labels[row.index(max(row))], row, cells)
            out.flush()


def _explain(args):
    from ..inspection._explain import explain
    from ..inspection._highlight import annotate, to_ansi, to_printable
    from ..inspection._html import to_html

    if args.html is not None:
        check_writable(args.html)
    classifier = _load(args)
    target = args.target
    if target is not None:
        classes = classifier.classes_.tolist()
        target = classes[class_indices([target], classes, "--target")[0]]
    attribution = explain(classifier, args.text, method=args.method, target=target)
    if args.html is not None:
        with open_output(args.html) as out:
            name = html.escape(to_printable(args.model.stem))
            label = html.escape(to_printable(str(attribution.label)))
            content = to_html(attribution)
            title = f"{name}: {label}"
            out.write(_HTML_PAGE.format(title=title, name=name, content=content))
    elif _supports_color(sys.stdout):
        print_line(to_ansi(attribution))
    else:
        print_line(annotate(attribution))


def _export(args):
    from ..persistence._onnx_export import export_onnx

    check_suffix(args.out, "export")
    check_writable(args.out)
    if is_onnx(args.model):
        raise ValueError(
            f"{args.model}: expected a file that sktextconv.save or train wrote, got "
            "an ONNX file."
        )
    classifier = _load(args)
    try:
        export_onnx(classifier, args.out)
    except TypeError as error:  # a linear model
        raise ValueError(f"{args.model}: {error}") from error
    print_line(f"saved {args.out} ({args.out.stat().st_size / 1e6:.1f} MB)")


def _evaluate(args):
    from ._evaluate import evaluate

    evaluate(args)


def _compare(args):
    from ._compare import compare

    compare(args)


def _train(args):
    from ._train import train  # imports scikit-learn, which ONNX files do not need

    train(args)


COMMANDS = {
    "compare": _compare,
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "export": _export,
}


# ---------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------


def _load(args):
    with path_errors():
        return load_model(args.model, device=args.device)


def _open_texts(classifier, args, path):
    """Open a file of texts to predict: names of columns to keep, and rows."""
    if args.lines:
        return open_lines(path, encoding=args.encoding, keep=args.keep)
    columns = getattr(classifier, "columns_", None)
    return open_texts(
        path,
        text_columns=args.text_columns,
        **file_options(args),
        keep=args.keep,
        trained=columns and Columns(**columns),
        labels=names_in_files(classifier.classes_.tolist()),
    )


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
