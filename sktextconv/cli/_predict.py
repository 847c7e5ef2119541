"""The command `predict`: one output for all files."""

import contextlib
import csv
import itertools
import json
import os
from pathlib import Path

from ..datasets._columns import Columns
from ..datasets._unlabeled import open_lines, open_texts
from ..persistence._load import load_model
from ._errors import path_errors
from ._inputs import expand_files, file_options, names_in_files, read_files
from ._output import check_writable, open_output

__all__ = ["predict", "write_predictions"]

# Limits of a batch, which bound the memory.
_MAX_TEXTS = 1024
_MAX_CHARACTERS = 2**24


def predict(args):
    """Write the labels of the texts of all files, or a file for each of them."""
    if args.lines and (args.text_columns or args.header != "auto" or args.delimiter):
        raise ValueError(
            "--lines: expected no --header or --text-column or --delimiter with it."
        )
    is_parallel = args.jobs is not None or args.scheduler is not None
    if is_parallel or _is_folder(args.out):
        from ._parts import predict_parts

        predict_parts(args)
        return
    path = None if args.out is None else Path(args.out)
    if path is not None:
        check_writable(path)
    with path_errors():
        classifier = load_model(args.model, device=args.device)
        paths = expand_files(args.data)
    with open_output(path) as out:
        write_predictions(classifier, paths, args, out)


def write_predictions(classifier, paths, args, out):
    """Write a record for each text of the files; return the number of texts.

    Parameters
    ----------
    classifier : classifier of texts
    paths : list of pathlib.Path
    args : argparse.Namespace
        Options of the command that concern reading and writing.
    out : text stream
        Nothing is written if the first texts are not there.
    """
    labels, n_texts = classifier.classes_.tolist(), 0

    def open_file(path):
        return _open_texts(classifier, args, path)

    with contextlib.closing(read_files(paths, open_file)) as rows:
        with path_errors():
            names = next(rows)
        batches = _batches(rows)
        batches = itertools.chain([next(batches, ([], []))], batches)
        write = _WRITERS[args.format](out, labels, args.probabilities, names)
        for texts, kept in batches:
            probabilities = classifier.predict_proba(texts).tolist() if texts else ()
            # `strict` checks that there are as many answers as texts.
            for row, cells in zip(probabilities, kept, strict=True):
                write(labels[row.index(max(row))], row, cells)
            n_texts += len(texts)
            out.flush()
    return n_texts


def _is_folder(name):
    """Return whether a name, or None, is that of a folder."""
    return name is not None and (os.path.isdir(name) or name.endswith(("/", os.sep)))


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
