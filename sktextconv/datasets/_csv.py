"""Labeled texts from files."""

import array
import contextlib
import itertools
import os
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.utils import Bunch

from ._fields import FIELD_ORDERS
from ._records import Records, read_raw_lines

__all__ = ["read_csv", "read_labeled", "read_lines", "read_texts"]

_MAX_LABEL = 200  # characters; a longer "label" is a text in the wrong column
_NO_LABELS = object()  # label_column of a file without labels


def read_csv(
    path: str | os.PathLike,
    *,
    label_column: int | str = 0,
    text_columns: int | str | Sequence[int | str] | None = None,
    header: bool = False,
    class_names: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    field_order: Literal["forward", "reverse"] = "forward",
    line_breaks: bool = True,
    strip: bool = True,
) -> Bunch:
    """Read labeled texts from a file: CSV, TSV, JSON lines, Parquet or fastText.

    The defaults read the files of Zhang, Zhao and LeCun [1]_: UTF-8, no header,
    the class number first, then one or more text columns, quotes doubled inside
    quoted cells. The file is read record by record, blank lines are skipped,
    and no cell (``NA``, ``null``, empty, a backslash) has a special meaning. Text
    files may be plain, ``.xz`` or ``.gz``. A compressed file may expand to 100 times
    its size or to 1 GB, whichever is more.

    The name of the file and its first lines decide the format:

    * Parquet, if the name ends in ``.parquet`` or ``.pq``. This needs pyarrow.
    * JSON lines, if it ends in ``.jsonl``, ``.ndjson`` or ``.json``, or if the first
      line is a JSON object. Columns are the fields of the first object, by name.
    * fastText, if the first line begins with ``__label__``. Column 0 contains the
      labels, without this prefix, and column 1 the texts.
    * Otherwise a delimited file. Tabs and semicolons are recognized as delimiters if
      commas cannot be meant; where both can be, an error asks for `delimiter`.

    Parameters
    ----------
    path : str or path-like
        The file; ``-`` is the standard input.
    label_column : int or str, default=0
        Position (from 0, or from the end if negative) or, with a header, name of
        the column of labels.
    text_columns : int, str or list of these, default=None
        The text columns, in the order of the fields. None takes every column but
        that of the labels.
    header : bool, default=False
        Whether the first record contains the names of the columns. JSON lines and
        Parquet always have names; fastText never has.
    class_names : sequence of str of shape (n_classes,), default=None
        Names of class 1, 2, …. If given, every label must be one of the numbers
        ``1`` to ``n_classes``.
    delimiter : str, default=None
        The character between two cells. None takes the comma, or a tab or semicolon
        that the first lines show to be the delimiter. If given, the file is read as a
        delimited one.
    encoding : str, default=None
        Name of the encoding, such as ``"cp1252"``. None takes that of the byte-order
        mark (UTF-8, UTF-16 or UTF-32), or UTF-8 without one.
    field_order : {"forward", "reverse"}, default="forward"
        Order in which several text columns are joined by one space: first to last,
        or last to first as in the paper. An empty field still adds its space.
    line_breaks : bool, default=True
        Whether to replace the two characters ``\\n`` by a line break.
    strip : bool, default=True
        Whether to remove ASCII white space from both ends of each field, after
        `line_breaks`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : list of str of shape (n_texts,)
            The texts.
        target : ndarray of shape (n_texts,)
            If `class_names` is given, or if the distinct labels are exactly the
            numbers 1 to K with K at least 2: integers from 0, as int64. Otherwise the
            labels as written (white space at both ends removed), as str. Pass
            `class_names` if a file may lack a class, so that all files agree.
        target_names : list of str of shape (n_classes,)
            `class_names`, or the distinct labels in order. If `target` holds
            integers, ``target_names[i]`` is the name of class ``i``.

    Raises
    ------
    ValueError
        If the file is empty, damaged, in another encoding, not in one of these formats,
        expands beyond the limit, or lacks a column or label. The message names the file
        and the line.
    ImportError
        If the file is a Parquet file and pyarrow is not installed.

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
        delimiter=delimiter,
        encoding=encoding,
        field_order=field_order,
        line_breaks=line_breaks,
        strip=strip,
    )


def read_labeled(path, collect, *, class_names, field_order, **options):
    """Return the bunch of `read_csv` with `data` made by ``collect(iterator)``."""
    _check_choice("field_order", field_order, FIELD_ORDERS)
    targets = None if class_names is None else _make_targets(len(class_names))
    label_ids, ids = {}, array.array("q")  # labels are numbered by first appearance
    read = _read_texts(
        Path(path),
        label_ids,
        ids,
        targets=targets,
        field_order=field_order,
        **options,
    )
    with contextlib.closing(read) as texts:
        data = collect(texts)
    ids = np.array(ids)
    if targets is None:
        targets = _make_targets(len(label_ids))
        if len(label_ids) < 2 or label_ids.keys() != targets.keys():
            labels = np.array(list(label_ids))[ids]
            return Bunch(data=data, target=labels, target_names=sorted(label_ids))
    return Bunch(
        data=data,
        target=np.array([targets[label] for label in label_ids], dtype=np.int64)[ids],
        target_names=list(targets if class_names is None else class_names),
    )


def _read_texts(path, label_ids, ids, *, targets, label_column, header, **options):
    """Yield the text of each record; add its label to `label_ids` and `ids`."""
    records = _read_records(path, label_column=label_column, header=header, **options)
    with contextlib.closing(records):
        for where, label, text in records:
            label = _check_label(where, label.strip(), label_column, targets)
            ids.append(label_ids.setdefault(label, len(label_ids)))
            yield text
    name, *others = label_ids
    if not header and not name.isdigit() and ids.count(0) == 1 and _are_digits(others):
        raise ValueError(
            f"{path}, line 1: expected a number as in all other records, got the "
            f"label {name!r}; pass header=True if this line names the columns."
        )


def read_texts(path, *, text_columns, header, delimiter=None, encoding=None):
    """Yield the texts of a CSV file one by one, as `read_csv` reads them.

    If `text_columns` is None, the first of several columns is assumed to contain labels
    and skipped; a single column contains the texts.
    """
    records = _read_records(
        Path(path),
        label_column=_NO_LABELS,
        text_columns=text_columns,
        header=header,
        delimiter=delimiter,
        encoding=encoding,
        field_order="forward",
        line_breaks=True,
        strip=True,
    )
    with contextlib.closing(records):
        for _, _, text in records:
            yield text


def read_lines(path, *, encoding=None):
    """Yield each line of a file, plain, ``.xz`` or ``.gz``, as a text."""
    with contextlib.closing(read_raw_lines(Path(path), encoding)) as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def _read_records(
    path,
    *,
    label_column,
    text_columns,
    header,
    delimiter,
    encoding,
    field_order,
    line_breaks,
    strip,
):
    """Yield the location, label cell (or None) and text of each record."""
    records = Records(path, delimiter=delimiter, encoding=encoding)
    with contextlib.closing(records):
        number, first = next(records, (1, None))
        if first is None:
            raise ValueError(f"{path}: expected at least one record, found none.")
        if records.has_header is not None:
            header = records.has_header
        names = [name.strip() for name in first] if header else None
        label_index, text_indices = _find_columns(
            records, first, names, label_column, text_columns
        )
        if field_order == "reverse":
            text_indices.reverse()
        records.use(label_index, text_indices)
        rest = records if header else itertools.chain([(number, first)], records)
        number = None
        for number, cells in rest:
            where = f"{path}, {records.unit} {number}"
            if len(cells) != len(first):
                raise ValueError(
                    f"{where}: expected {len(first)} columns as in the first record, "
                    f"got {len(cells)}; quote cells that hold the delimiter or line "
                    f"breaks{records.suggest()}."
                )
            fields = [cells[index] for index in text_indices]
            if line_breaks:
                fields = [field.replace("\\n", "\n") for field in fields]
            if strip:
                fields = [field.strip(string.whitespace) for field in fields]
            label = None if label_index is None else cells[label_index]
            yield where, label, " ".join(fields)
    if number is None:
        raise ValueError(f"{path}: expected records after the header, found none.")


def _check_label(where, label, label_column, targets):
    """Return the label; raise `ValueError` if it is not one."""
    if not 0 < len(label) <= _MAX_LABEL:
        raise ValueError(
            f"{where}: expected a label of 1 to {_MAX_LABEL} characters in "
            f"column {label_column}, got {len(label)} characters; name the column "
            "of labels with label_column."
        )
    if label[0] in '"\ufeff' or "\0" in label:
        raise ValueError(
            f"{where}: expected a label without NUL, and without a quote or a byte "
            f"order mark at its start, in column {label_column}, got {label!r}; leave "
            "no space before quotes, and save the file as UTF-8, in one piece."
        )
    if targets is not None and label not in targets:
        raise ValueError(
            f"{where}: expected a class number from 1 to {len(targets)} in "
            f"column {label_column}, got {label!r}; see label_column, header "
            "and class_names."
        )
    return label


def _find_columns(records, first, names, label_column, text_columns):
    """Return the index of the label column, or None, and those of the text columns."""
    path = records.path

    def find(column):
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
        if records.by_name:
            raise ValueError(
                f"{path}: expected the name of one of the fields {names}, got the "
                f"position {column!r}; pass label_column and text_columns."
            )
        try:
            return range(len(first))[column]
        except (IndexError, TypeError):
            raise ValueError(
                f"{path}: expected the position of one of {len(first)} columns, "
                f"counted from 0, or a name, got {column!r}."
            ) from None

    has_labels = label_column is not _NO_LABELS
    if records.by_name and not has_labels and text_columns is None and len(first) > 1:
        raise ValueError(
            f"{path}: expected the name of the field of texts, one of {names}, got "
            "none; pass text_columns."
        )
    if has_labels:
        label_index = find(label_column)
    else:
        label_index = 0 if text_columns is None and len(first) > 1 else None
    if text_columns is None:
        text_indices = [i for i in range(len(first)) if i != label_index]
    elif isinstance(text_columns, (str, int, np.integer)):
        text_indices = [find(text_columns)]
    else:
        text_indices = [find(column) for column in text_columns]
    if not text_indices:
        raise ValueError(
            f"{path}: expected a column of labels and at least one of texts, with "
            f"commas between, got {len(first)} column(s) and text_columns="
            f"{text_columns!r}{records.suggest()}."
        )
    if label_index in text_indices:
        raise ValueError(
            f"{path}: expected labels and texts in different columns, got column "
            f"{label_index} as both; change label_column or text_columns."
        )
    return label_index, text_indices


def _make_targets(n_classes):
    """Return the targets, from 0, of the labels "1" to "K"."""
    return {str(target + 1): target for target in range(n_classes)}


def _are_digits(labels):
    return bool(labels) and all(label.isdigit() for label in labels)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"Expected {name} to be one of {choices}, got {value!r}.")
