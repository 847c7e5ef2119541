"""Labeled texts from CSV files."""

import array
import contextlib
import csv
import gzip
import io
import itertools
import lzma
import os
import string
import sys
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.utils import Bunch

from ._compressed import open_compressed
from ._fields import FIELD_ORDERS

__all__ = ["read_csv", "read_labeled", "read_lines", "read_texts"]


_MAX_LABEL = 200  # characters; a longer "label" is a text in the wrong column
_STDIN = Path("-")
_NO_LABELS = object()  # label_column of a file without labels
_one_reader = threading.Lock()  # csv.field_size_limit is global to the process


def read_csv(
    path: str | os.PathLike,
    *,
    label_column: int | str = 0,
    text_columns: int | str | Sequence[int | str] | None = None,
    header: bool = False,
    class_names: Sequence[str] | None = None,
    field_order: Literal["forward", "reverse"] = "forward",
    line_breaks: bool = True,
    strip: bool = True,
) -> Bunch:
    """Read labeled texts from a CSV file, plain, ``.xz`` or ``.gz``.

    The defaults read the files of Zhang, Zhao and LeCun [1]_: UTF-8, no header,
    the class number first, then one or more text columns, quotes doubled inside
    quoted cells. The file is read record by record, blank lines are skipped,
    and no cell (``NA``, ``null``, empty, a backslash) has a special meaning. At most
    100 times the size of a compressed file is read, or 1 GB if that is more.

    Parameters
    ----------
    path : str or path-like
        The file; ``-`` is the standard input.
    label_column : int or str, default=0
        Position (from 0, or from the end if negative) or, with a header, name of
        the column of labels.
    text_columns : int, str or list of these, default=None
        The text columns, in the order of the fields. By default every column but
        the label's.
    header : bool, default=False
        Whether the first record holds the names of the columns.
    class_names : sequence of str of shape (n_classes,), default=None
        Names of class 1, 2, …. If given, every label must be one of the numbers
        ``1`` to ``n_classes``.
    field_order : {"forward", "reverse"}, default="forward"
        How several text columns become one text: joined by one space from first to
        last, or from last to first, as in the paper. An empty field keeps its space.
    line_breaks : bool, default=True
        Whether the two characters ``\\n`` become a line break.
    strip : bool, default=True
        Whether ASCII white space is removed from both ends of each field, after
        `line_breaks`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of str of shape (n_texts,)
            The texts.
        target : ndarray of shape (n_texts,)
            If `class_names` is given, or if the distinct labels are exactly the
            numbers 1 to K with K at least 2: integers from 0, as int64. Otherwise the
            labels as written (white space at both ends removed), as str. Give
            `class_names` wherever a class may be absent, so that all files agree.
        target_names : list of str of shape (n_classes,)
            `class_names`, or the distinct labels in order. If `target` holds
            integers, ``target_names[i]`` is the name of class ``i``.

    Raises
    ------
    ValueError
        If the file is empty, damaged, not UTF-8, not in this dialect, expands beyond
        the limit, or lacks a column or label. The message names the file and the line.

    See Also
    --------
    fetch_text_dataset : The published data sets, complete and checked.

    References
    ----------
    .. [1] X. Zhang, J. Zhao, Y. LeCun, "Character-level convolutional networks for
       text classification", NeurIPS 2015, https://arxiv.org/abs/1509.01626

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sktextconv.datasets import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "news.csv")
    ...     _ = path.write_text('"2","Cup","A ""late"" goal"\\n"1","Rain","It fell"\\n')
    ...     news = read_csv(path, class_names=["weather", "sport"])
    >>> news.data
    ['Cup A "late" goal', 'Rain It fell']
    >>> news.target
    array([1, 0])
    """
    return read_labeled(
        path,
        list,
        label_column=label_column,
        text_columns=text_columns,
        header=header,
        class_names=class_names,
        field_order=field_order,
        line_breaks=line_breaks,
        strip=strip,
    )


def read_labeled(path, collect, *, class_names, field_order, **how):
    """Return the bunch of `read_csv` with `data` made by ``collect(iterator)``."""
    _check_choice("field_order", field_order, FIELD_ORDERS)
    numbers = None if class_names is None else _numbers(len(class_names))
    known, codes = {}, array.array("q")  # numbered by first appearance
    read = _read_texts(
        Path(path), known, codes, numbers=numbers, field_order=field_order, **how
    )
    with contextlib.closing(read) as texts:
        data = collect(texts)
    codes = np.array(codes)
    if numbers is None:
        numbers = _numbers(len(known))
        if len(known) < 2 or known.keys() != numbers.keys():
            labels = np.array(list(known))[codes]
            return Bunch(data=data, target=labels, target_names=sorted(known))
    return Bunch(
        data=data,
        target=np.array([numbers[label] for label in known], dtype=np.int64)[codes],
        target_names=list(numbers if class_names is None else class_names),
    )


def _read_texts(path, known, codes, *, numbers, label_column, header, **how):
    """Yield the text of each record; record its label in `known` and `codes`."""
    rows = _rows(path, label_column=label_column, header=header, **how)
    with contextlib.closing(rows):
        for where, label, text in rows:
            label = _check_label(where, label.strip(), label_column, numbers)
            codes.append(known.setdefault(label, len(known)))
            yield text
    name, *others = known
    if not header and not name.isdigit() and codes.count(0) == 1 and _digits(others):
        raise ValueError(
            f"{path}, line 1: expected a number as in all other records, got the "
            f"label {name!r}; pass header=True if this line names the columns."
        )


def read_texts(path, *, text_columns, header):
    """Yield the texts of a CSV file one by one, as `read_csv` reads them.

    Without `text_columns`, the first of several columns is assumed to hold labels and
    skipped; a single column holds the texts.
    """
    rows = _rows(
        Path(path),
        label_column=_NO_LABELS,
        text_columns=text_columns,
        header=header,
        field_order="forward",
        line_breaks=True,
        strip=True,
    )
    with contextlib.closing(rows):
        for _, _, text in rows:
            yield text


def read_lines(path):
    """Yield each line of a file, plain, ``.xz`` or ``.gz``, as a text."""
    with contextlib.closing(_lines(Path(path))) as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def _rows(path, *, label_column, text_columns, header, field_order, line_breaks, strip):
    """Yield the location, label cell (or None) and text of each record."""
    with contextlib.closing(_records(path)) as records:
        line, first = next(records, (1, None))
        if first is None:
            raise ValueError(f"{path}: expected at least one record, found none.")
        names = [name.strip() for name in first] if header else None
        label_at, texts_at = _positions(path, first, names, label_column, text_columns)
        if field_order == "reverse":
            texts_at.reverse()
        if not header:
            records = itertools.chain([(line, first)], records)
        line = None
        for line, cells in records:
            where = f"{path}, line {line}"
            if len(cells) != len(first):
                raise ValueError(
                    f"{where}: expected {len(first)} columns as in the first record, "
                    f"got {len(cells)}; quote cells that hold commas or line breaks."
                )
            fields = [cells[at] for at in texts_at]
            if line_breaks:
                fields = [field.replace("\\n", "\n") for field in fields]
            if strip:
                fields = [field.strip(string.whitespace) for field in fields]
            yield where, None if label_at is None else cells[label_at], " ".join(fields)
    if line is None:
        raise ValueError(f"{path}: expected records after the header, found none.")


def _check_label(where, label, label_at, numbers):
    if not 0 < len(label) <= _MAX_LABEL:
        raise ValueError(
            f"{where}: expected a label of 1 to {_MAX_LABEL} characters in "
            f"column {label_at}, got {len(label)} characters; name the column "
            "of labels with label_column."
        )
    if label[0] in '"\ufeff' or "\0" in label:
        raise ValueError(
            f"{where}: expected a label without NUL, and without a quote or a byte "
            f"order mark at its start, in column {label_at}, got {label!r}; leave no "
            "space before quotes, and save the file as UTF-8, in one piece."
        )
    if numbers is not None and label not in numbers:
        raise ValueError(
            f"{where}: expected a class number from 1 to {len(numbers)} in "
            f"column {label_at}, got {label!r}; see label_column, header "
            "and class_names."
        )
    return label


def _records(path):
    """Yield the first line number and the cells of each record."""
    line = 1
    with _cells_of_any_length(), contextlib.closing(_lines(path)) as lines:
        reader = csv.reader(lines, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {line}: expected cells in double quotes, with quotes "
                f"inside doubled, in the record that begins here, got: {error}."
            ) from error


def _lines(path):
    """Yield the lines of a file, with their line endings."""
    number = 0
    with _open_text(path) as stream:
        try:
            for line in stream:
                number += 1
                yield line
        except UnicodeDecodeError as error:
            where = f"after line {number}"
            if path != _STDIN:
                where = f"line {_first_undecodable_line(path)}"
            raise ValueError(
                f"{path}, {where}: expected UTF-8, got the byte "
                f"0x{error.object[error.start]:02x}; save the file as UTF-8."
            ) from error
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{path}, after line {number}: expected a whole {path.suffix} file, "
                f"got: {error}; copy or download it again."
            ) from error


@contextlib.contextmanager
def _cells_of_any_length():
    with _one_reader:
        limit = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


@contextlib.contextmanager
def _open_text(path, errors="strict"):
    # Spreadsheets begin a file with a byte order mark; "-sig" skips it.
    how = {"encoding": "utf-8-sig", "errors": errors, "newline": ""}
    if path == _STDIN:
        stream = io.TextIOWrapper(sys.stdin.buffer, **how)
        try:
            yield stream
        finally:
            stream.detach()  # leaves standard input open
        return
    is_compressed = path.suffix in (".gz", ".xz")
    data = open_compressed(path) if is_compressed else path.open("rb")
    with io.TextIOWrapper(data, **how) as stream:
        yield stream


def _first_undecodable_line(path):
    with _open_text(path, errors="surrogateescape") as stream:
        for line, text in enumerate(stream, 1):
            try:
                text.encode()
            except UnicodeEncodeError:
                return line
    return "unknown"


def _positions(path, first, names, label_column, text_columns):
    """Return the position of the label column and those of the text columns."""

    def position(column):
        if isinstance(column, str):
            if names is None:
                raise ValueError(
                    f"Expected a column's position, got {column!r}; pass header=True "
                    f"if the first record of {path} names the columns."
                )
            if names.count(column) != 1:
                raise ValueError(
                    f"{path}: expected one column named {column!r}, found "
                    f"{names.count(column)} among {names}."
                )
            return names.index(column)
        try:
            return range(len(first))[column]
        except (IndexError, TypeError):
            raise ValueError(
                f"{path}: expected the position of one of {len(first)} columns, "
                f"counted from 0, or a name, got {column!r}."
            ) from None

    if label_column is _NO_LABELS:
        label_at = 0 if text_columns is None and len(first) > 1 else None
    else:
        label_at = position(label_column)
    if text_columns is None:
        texts_at = [at for at in range(len(first)) if at != label_at]
    elif isinstance(text_columns, (str, int, np.integer)):
        texts_at = [position(text_columns)]
    else:
        texts_at = [position(column) for column in text_columns]
    if not texts_at:
        raise ValueError(
            f"{path}: expected a column of labels and at least one of texts, with "
            f"commas between, got {len(first)} column(s) and text_columns="
            f"{text_columns!r}."
        )
    if label_at in texts_at:
        raise ValueError(
            f"{path}: expected labels and texts in different columns, got column "
            f"{label_at} as both; change label_column or text_columns."
        )
    return label_at, texts_at


def _numbers(n_classes):
    return {str(code + 1): code for code in range(n_classes)}


def _digits(labels):
    return bool(labels) and all(label.isdigit() for label in labels)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"Expected {name} to be one of {choices}, got {value!r}.")
