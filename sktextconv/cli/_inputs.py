"""Input files: labeled texts, several files, patterns of names."""

import glob
import math
import os
from collections import Counter
from pathlib import Path

import numpy as np

from ..datasets._columns import Columns
from ..datasets._csv import read_labeled as read_file
from ..datasets._header import describe_cells
from ._errors import path_errors

__all__ = [
    "check_split",
    "class_indices",
    "expand_files",
    "file_options",
    "names_in_files",
    "read_files",
    "read_labeled",
]

_STDIN = "-"


def expand_files(names):
    """Return the paths of files that are given by name or by pattern, in order.

    Parameters
    ----------
    names : list of str
        Names, patterns such as ``*.csv``, or ``-`` for the standard input. The files
        of a pattern are sorted. An existing file is taken by its name, even if this has
        characters of a pattern.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If no file matches a pattern, or the standard input is named twice.
    """
    if names.count(_STDIN) > 1:
        raise ValueError("-: expected the standard input once, got it twice.")
    paths = []
    for name in names:
        if name == _STDIN or os.path.exists(name) or not glob.has_magic(name):
            paths.append(Path(name))
            continue
        found = filter(os.path.isfile, glob.iglob(name, recursive=True))
        if not (found := sorted(found)):
            raise ValueError(
                f"{name}: expected a pattern of names, found no such file."
            )
        paths += map(Path, found)
    for path in paths:
        if path != Path(_STDIN):
            path.stat()  # raises an error before the first file is read
    return paths


def read_files(paths, open_file):
    """Yield the names of the columns to keep, and then the rows of all files.

    Parameters
    ----------
    paths : list of pathlib.Path
        Files, opened one after another.
    open_file : callable
        Function of a path that returns a context manager of names and rows.

    Raises
    ------
    ValueError
        If the columns to keep have other names than in the first file.
    """
    first = None
    for path in paths:
        with open_file(path) as (names, rows):
            if first is None:
                first = names
                yield names
            if names != first:
                raise ValueError(
                    f"{path}: expected the columns to keep to be named as in "
                    f"{paths[0]}, {first}, got {names}; pass --keep with names."
                )
            yield from rows


def read_labeled(path, args, columns=None, classes=(), *, other_columns=()):
    """Return a list of texts, an array of their labels as strings, and the columns.

    Parameters
    ----------
    columns : dict, default=None
        Columns of the training file, which replace those that are not given.
    classes : list, default=()
        Labels of the training data.
    other_columns : sequence of int or str, default=()
        Columns that are no texts, unless --text-column names them.
    """
    with path_errors():
        read = read_file(
            path,
            list,
            label_column=args.label_column,
            text_columns=args.text_columns,
            class_names=args.class_names,
            **file_options(args),
            trained=columns and Columns(**columns),
            known_labels=names_in_files(classes),
            other_columns=other_columns,
            field_order="forward",
            line_breaks=True,
            strip=True,
        )
    labels = read["target"]
    if labels.dtype.kind == "i":
        labels = np.array(read["target_names"])[labels]
    return read["data"], labels, read["columns"]


def file_options(args):
    """Return the options that say how a file is to be read, as arguments."""
    return {name: getattr(args, name) for name in ("header", "delimiter", "encoding")}


def names_in_files(classes):
    """Return the labels of classes, and the numbers that --class-names replaces."""
    return {*map(str, classes), *map(str, range(1, len(classes) + 1))}


def class_indices(labels, classes, where):
    """Return the index among the classes of each label, given as a string."""
    indices = {str(label): index for index, label in enumerate(classes)}
    unknown = sorted({*labels} - indices.keys())
    if unknown:
        raise ValueError(
            f"{where}: expected labels of the training data, "
            f"{describe_cells(list(indices))}, got {describe_cells(unknown)}."
        )
    return [indices[label] for label in labels]


def check_split(source, labels, fraction, *, option, advice, larger=None):
    """Raise `ValueError` unless both parts of a split can have every class.

    Parameters
    ----------
    source : str or path
        Name of the texts.
    labels : ndarray of str of shape (n_texts,)
    fraction : float
        Fraction of the texts to hold out.
    option : str
        Option that asks for the split.
    advice : str
        End of the errors: what to do to split no texts.
    larger : str, default=None
        The same if too few texts are held out; None takes `advice`.
    """
    counts = Counter(labels.tolist())
    label, n_texts = min(counts.items(), key=lambda item: item[1])
    if n_texts < 2:
        raise ValueError(
            f"{source}: expected 2 texts or more of each class, got 1 of "
            f"{describe_cells([label])}; set the label column with --label-column, or "
            f"{advice}."
        )
    n_held_out = math.ceil(fraction * len(labels))
    if n_held_out < len(counts):
        raise ValueError(
            f"{option}: expected to hold out a text or more of each of {len(counts)} "
            f"classes, got {n_held_out} in total; {larger or advice}."
        )
