"""Input files of `predict`: several of them, and patterns of names."""

import glob
import os
from pathlib import Path

__all__ = ["expand_files", "read_files"]

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
