"""Labeled texts from files."""

import array
import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ._columns import (
    Columns,
    choose_labeled,
    find_columns,
    find_header,
    strip_cells,
)
from ._fields import FIELD_ORDERS
from ._header import HeaderInference, describe_cells, is_header
from ._table import make_join, open_table

if TYPE_CHECKING:
    from sklearn.utils import Bunch

__all__ = [
    "check_same_columns",
    "join_labels",
    "read_csv",
    "read_groups",
    "read_labeled",
    "read_part",
]

_MAX_LABEL = 200  # characters; a longer "label" is a text in the wrong column


def read_csv(
    path: str | os.PathLike,
    *,
    label_column: int | str | None = None,
    text_columns: int | str | Sequence[int | str] | None = None,
    header: bool | Literal["auto"] = "auto",
    class_names: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    field_order: Literal["forward", "reverse"] = "forward",
    line_breaks: bool = True,
    strip: bool = True,
) -> "Bunch":
    """Read labeled texts from a file: CSV, TSV, JSON lines, Parquet or fastText.

    The defaults read the files of Zhang, Zhao and LeCun [1]_: UTF-8, no header,
    the class number first, then one or more text columns, quotes doubled inside
    quoted cells. They also read files with a header of common names, such as
    ``label,text``. The file is read record by record, blank lines are skipped,
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
    label_column : int or str, default=None
        Position (from 0, or from the end if negative) or name of the column of
        labels. None takes the first column, unless its name says that it has none.
    text_columns : int, str or list of these, default=None
        The text columns, in the order of the fields. None takes every column but
        that of the labels, unless the names say that some have no texts.
    header : bool or "auto", default="auto"
        Whether the first record contains the names of the columns. "auto" infers it,
        or raises an error if the first record could be either; see the Notes. JSON
        lines and Parquet always have names; fastText never has.
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
        columns : dict
            What was read: ``n_columns``, the ``names`` in the header (None if there is
            none), the position of the ``label`` and those of the ``texts``.

    Raises
    ------
    ValueError
        If the file is empty, damaged, in another encoding, not in one of these formats,
        expands beyond the limit, or lacks a column or label; or if header or columns
        are ambiguous. The message names the file and the line.
    ImportError
        If the file is a Parquet file and pyarrow is not installed.

    See Also
    --------
    fetch_text_dataset : The published data sets, complete and checked.

    Notes
    -----
    A column given by name implies a header. Otherwise, "auto" takes the first record

    - as a header, if two or more cells are common names of columns (``text``,
      ``review_title``, ``label``, ``stars``, ``id``, …), all others could be names, and
      neither its label nor its text occurs in another record;
    - as data, if its label occurs in another record, or all labels are numbers, and it
      is neither a row of short cells with a common name among them, nor of numbers as
      pandas writes them for columns without names.

    Everything else raises an error. The whole file is read before that.

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
    from sklearn.utils import Bunch

    read = read_labeled(
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
    return Bunch(**read)


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labels of the records of a file.

    Attributes
    ----------
    path : str or path-like
    columns : Columns
    names : list of str of shape (n_labels,)
        The distinct labels, by first appearance.
    ids : ndarray of int of shape (n_texts,)
        The index in `names` of the label of each text.
    """

    path: str | os.PathLike
    columns: Columns
    names: list[str]
    ids: np.ndarray


def read_labeled(path, collect, *, class_names, first_class=1, **options):
    """Return the items of the bunch of `read_csv`, `data` by ``collect(iterator)``.

    They are a dict, since the command line runs without scikit-learn. `first_class` is
    the number of the first of `class_names`. The other options are those of
    `read_part`.
    """
    data, labels = read_part(path, collect, class_names, first_class, **options)
    return {"data": data, **join_labels([labels], class_names, first_class)}


def read_part(
    path,
    collect,
    class_names=None,
    first_class=1,
    *,
    field_order,
    line_breaks,
    strip,
    delimiter=None,
    encoding=None,
    **options,
):
    """Return ``collect(iterator of texts)`` and the `Labels` of a file.

    The other options are those of `_choose_columns`.
    """
    _check_choice("field_order", field_order, FIELD_ORDERS)
    targets = _find_targets(class_names, first_class)
    label_ids, ids = {}, array.array("q")  # labels are numbered by first appearance
    with open_table(path, delimiter, encoding) as table:
        columns, inference = _choose_columns(table, **options)
        join = make_join(
            columns.texts, field_order, line_breaks=line_breaks, strip=strip
        )
        texts = _read_texts(
            table, columns, join, inference, label_ids, ids, targets=targets
        )
        data = collect(texts)
    return data, Labels(path, columns, list(label_ids), np.array(ids))


def join_labels(parts, class_names=None, first_class=1):
    """Return the items of the bunch of `read_csv` but `data`, of one or more files.

    Parameters
    ----------
    parts : list of Labels
    class_names, first_class
        As in `read_labeled`.
    """
    label_ids = {}
    for part in parts:
        for name in part.names:
            label_ids.setdefault(name, len(label_ids))
    # The first labels of a file have other numbers there than among all labels.
    ids = np.concatenate(
        [np.array([label_ids[name] for name in x.names])[x.ids] for x in parts]
    )
    columns = parts[0].columns.to_dict()
    targets = _find_targets(class_names, first_class)
    if targets is None:
        targets = _make_targets(len(label_ids))
        if len(label_ids) < 2 or label_ids.keys() != targets.keys():
            labels, names = np.array(list(label_ids))[ids], sorted(label_ids)
            return {"columns": columns, "target": labels, "target_names": names}
    target = np.array([targets[label] for label in label_ids], dtype=np.int64)[ids]
    names = list(targets if class_names is None else class_names)
    return {"columns": columns, "target": target, "target_names": names}


def read_groups(path, column, *, header, delimiter=None, encoding=None):
    """Return the group of each text of a file, as a list of str.

    Parameters
    ----------
    column : int or str
        Position or name of the column of groups.
    header : bool
        Whether the first record names the columns.
    delimiter, encoding
        As in `read_csv`.

    Raises
    ------
    ValueError
        If the file is damaged or lacks the column, or if a group is missing.
    """
    groups = []
    with open_table(path, delimiter, encoding) as table:
        header = find_header(table, header, [column])
        (index,) = find_columns(table.records, table.first, [column], header=header)
        table.records.use([], [index])
        for number, cells in table.rows(has_header=header):
            group = cells[index].strip()
            if not group:
                raise ValueError(
                    f"{table.records.locate(number)}: expected a group in column "
                    f"{index}, got an empty cell; texts without a group may have one "
                    "each."
                )
            groups.append(group)
    return groups


def check_same_columns(first, part):
    """Raise `ValueError` unless two files have labels and texts in the same columns."""
    columns = first.columns, part.columns
    by_name = all(each.names is not None for each in columns)
    expected, got = (each.identify(by_name=by_name) for each in columns)
    if expected == got:
        return
    if by_name:
        kind, expected, got = "columns", describe_cells(expected), describe_cells(got)
    else:
        kind = "number of columns, position of the label and those of the texts"
    raise ValueError(
        f"{part.path}: expected the {kind} of {first.path}, {expected}, got {got}; "
        "name them with label_column and text_columns, or make a store of each file."
    )


def _choose_columns(
    table,
    *,
    label_column,
    text_columns,
    header,
    trained=None,
    known_labels=(),
    other_columns=(),
):
    """Return the columns of labels and texts, and the inference of the header or None.

    Parameters
    ----------
    trained : Columns, default=None
        The columns of the file that a model was trained on; they replace columns that
        are not given.
    known_labels : collection of str, default=()
        Labels of the model, which are evidence that the first record is data.
    other_columns : sequence of int or str, default=()
        Columns that are no texts, unless `text_columns` has them.
    """
    _check_choice("header", header, (True, False, "auto"))
    missing = [] if trained is None or label_column is not None else [trained.label]
    missing += [] if trained is None or text_columns is not None else trained.texts
    known = find_header(
        table,
        header,
        [label_column, text_columns, list(other_columns)],
        trained=trained if missing else None,
        wanted=missing,
        labels=known_labels,
    )
    names = strip_cells(table.first)
    columns = choose_labeled(
        table.records,
        table.first,
        label_column,
        text_columns,
        header=is_header(names) if known is None else known,
        trained=trained,
        other_columns=other_columns,
    )
    table.records.use(columns.texts, [columns.label])
    if known is not None:
        return columns, None
    hint = "label_column if another column has the labels"
    inference = HeaderInference(
        table.where_first,
        names,
        columns.label,
        known_labels,
        hint=f", or {hint}" if label_column is None else "",
    )
    return columns, inference


def _read_texts(table, columns, join, inference, label_ids, ids, *, targets):
    """Yield the text of each record; add its label to `label_ids` and `ids`."""
    has_header = columns.names is not None
    first = join(table.first)
    for number, cells in table.rows(has_header=has_header):
        label = cells[columns.label].strip()
        _check_label(table.records, number, label, columns.label, targets)
        ids.append(label_ids.setdefault(label, len(label_ids)))
        text = join(cells)
        if inference and (has_header or len(ids) > 1):
            inference.see(text, is_first_text=text == first)
        yield text
    if inference:
        # The labels of the other records.
        is_alone = not has_header and ids.count(0) == 1
        inference.check([*label_ids][is_alone:])


def _check_label(records, number, label, label_column, targets):
    """Raise `ValueError` if a label is not one."""
    if not 0 < len(label) <= _MAX_LABEL:
        where = records.locate(number)
        raise ValueError(
            f"{where}: expected a label of 1 to {_MAX_LABEL} characters in "
            f"column {label_column}, got {len(label)} characters; name the column "
            "of labels with label_column."
        )
    if label[0] in '"\ufeff' or "\0" in label:
        where = records.locate(number)
        raise ValueError(
            f"{where}: expected a label without NUL, and without a quote or a byte "
            f"order mark at its start, in column {label_column}, got "
            f"{describe_cells([label])}; leave no space before quotes, and save the "
            "file as UTF-8, in one piece."
        )
    if targets is not None and label not in targets:
        where = records.locate(number)
        first, last = next(iter(targets)), next(reversed(targets))
        raise ValueError(
            f"{where}: expected a class number from {first} to {last} in "
            f"column {label_column}, got {describe_cells([label])}; see label_column, "
            "header and class_names."
        )


def _find_targets(class_names, first_class):
    """Return the targets of the labels of given classes, or None."""
    return None if class_names is None else _make_targets(len(class_names), first_class)


def _make_targets(n_classes, first_class=1):
    """Return the targets, from 0, of the labels "1" to "K", or of others in order."""
    return {str(first_class + target): target for target in range(n_classes)}


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"Expected {name} to be one of {choices}, got {value!r}.")
