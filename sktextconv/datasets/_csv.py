"""Labeled texts from files."""

import array
import contextlib
import functools
import itertools
import os
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.utils import Bunch

from ._columns import (
    choose_labeled,
    choose_unlabeled,
    find_columns,
    find_header,
    strip_cells,
)
from ._fields import FIELD_ORDERS
from ._header import HeaderInference, describe_cells, is_header
from ._records import Records, read_raw_lines

__all__ = ["open_lines", "open_texts", "read_csv", "read_labeled"]

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
) -> Bunch:
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


def read_labeled(
    path,
    collect,
    *,
    class_names,
    field_order,
    delimiter=None,
    encoding=None,
    trained=None,
    known_labels=(),
    **options,
):
    """Return the bunch of `read_csv` with `data` made by ``collect(iterator)``.

    Parameters
    ----------
    trained : Columns, default=None
        The columns of the file that a model was trained on; they replace columns that
        are not given.
    known_labels : collection of str, default=()
        Labels of the model, which are evidence that the first record is data.
    """
    _check_choice("field_order", field_order, FIELD_ORDERS)
    targets = None if class_names is None else _make_targets(len(class_names))
    label_ids, ids = {}, array.array("q")  # labels are numbered by first appearance
    with _open_table(path, delimiter, encoding) as table:
        columns, texts = _read_labeled_texts(
            table,
            label_ids,
            ids,
            targets=targets,
            trained=trained,
            known_labels=known_labels,
            field_order=field_order,
            **options,
        )
        data = collect(texts)
    bunch = functools.partial(Bunch, data=data, columns=columns.to_dict())
    ids = np.array(ids)
    if targets is None:
        targets = _make_targets(len(label_ids))
        if len(label_ids) < 2 or label_ids.keys() != targets.keys():
            labels = np.array(list(label_ids))[ids]
            return bunch(target=labels, target_names=sorted(label_ids))
    return bunch(
        target=np.array([targets[label] for label in label_ids], dtype=np.int64)[ids],
        target_names=list(targets if class_names is None else class_names),
    )


def _read_labeled_texts(
    table,
    label_ids,
    ids,
    *,
    targets,
    label_column,
    text_columns,
    header,
    trained,
    known_labels,
    field_order,
    **cleaning,
):
    """Return the columns, and an iterator that adds labels to `label_ids` and `ids`."""
    _check_choice("header", header, (True, False, "auto"))
    missing = [] if trained is None or label_column is not None else [trained.label]
    missing += [] if trained is None or text_columns is not None else trained.texts
    known = find_header(
        table,
        header,
        [label_column, text_columns],
        trained=trained if missing else None,
        wanted=missing,
        labels=known_labels,
    )
    columns = choose_labeled(
        table.records,
        table.first,
        label_column,
        text_columns,
        header=is_header(strip_cells(table.first)) if known is None else known,
        trained=trained,
    )
    table.records.use(columns.texts, [columns.label])
    join = _make_join(columns.texts, field_order, **cleaning)
    inference = None
    if known is None:
        inference = HeaderInference(
            table.where_first,
            strip_cells(table.first),
            columns.label,
            join(table.first),
            known_labels,
        )

    def read():
        for number, cells in table.rows(has_header=columns.names is not None):
            label = cells[columns.label].strip()
            _check_label(table.records, number, label, columns.label, targets)
            ids.append(label_ids.setdefault(label, len(label_ids)))
            text = join(cells)
            if inference and not (len(ids) == 1 and columns.names is None):
                inference.see(text)
            yield text
        if inference:
            is_first_alone = columns.names is None and ids.count(0) == 1
            hint = (
                ""
                if label_column is not None
                else (", or label_column if another column has the labels")
            )
            inference.check([*label_ids][is_first_alone:], hint)

    return columns, read()


@contextlib.contextmanager
def open_texts(
    path,
    *,
    text_columns,
    header,
    delimiter=None,
    encoding=None,
    keep=(),
    trained=None,
    labels=(),
):
    """Open a file whose labels are not read, or not there.

    Parameters
    ----------
    text_columns, header, delimiter, encoding
        As in `read_csv`, except that None takes the columns of training, or the only
        column.
    keep : sequence of int or str, default=()
        Columns to return beside the texts.
    trained : Columns, default=None
        The columns of the file that the model was trained on.
    labels : collection of str, default=()
        The labels of the model. If columns are taken by their position in training,
        there must be one of them, or nothing, in the position of the label.

    Yields
    ------
    names : list of str
        Names, or positions without a header, of the columns to keep.
    rows : iterator of (str, list of str)
        Each text with the cells to keep.
    """
    with _open_table(path, delimiter, encoding) as table:
        known = find_header(
            table,
            header,
            [text_columns, list(keep)],
            trained=trained if text_columns is None else None,
            wanted=trained.texts if trained else (),
            labels=labels,
        )
        columns = choose_unlabeled(
            table.records,
            table.first,
            text_columns,
            header=known,
            second=table.second if known is None else None,
            trained=trained,
            labels=labels,
        )
        kept = find_columns(table.records, table.first, keep, header=bool(known))
        names = columns.names or list(map(str, range(len(table.first))))
        kept_names = [names[index] for index in kept]
        for name in kept_names:
            if kept_names.count(name) > 1:
                raise ValueError(
                    f"{path}: expected different columns to keep, got {name!r} twice."
                )
        labels_read = [] if columns.label is None else [columns.label]
        table.records.use(columns.texts, [*labels_read, *kept])
        join = _make_join(columns.texts, "forward", line_breaks=True, strip=True)

        def read():
            for number, cells in table.rows(has_header=bool(known)):
                if columns.label is not None:
                    _check_known_label(table.records, number, cells, columns, labels)
                yield join(cells), [cells[index] for index in kept]

        yield kept_names, read()


@contextlib.contextmanager
def open_lines(path, *, encoding=None, keep=()):
    """Open a file, plain, ``.xz`` or ``.gz``, each line of which is a text.

    It yields names and rows as `open_texts` does. The only column to keep is 0.
    """
    for column in keep:
        if column != 0:
            raise ValueError(
                f"{path}: expected 0, the only column of lines, got {column!r}."
            )
    with contextlib.closing(read_raw_lines(Path(path), encoding)) as lines:
        texts = (line.rstrip("\r\n") for line in lines)
        names = list(map(str, keep))
        yield names, ((text, [text] * len(names)) for text in texts)


@contextlib.contextmanager
def _open_table(path, delimiter, encoding):
    records = Records(Path(path), delimiter=delimiter, encoding=encoding)
    with contextlib.closing(records):
        yield _Table(records)


class _Table:
    """Records of a file, the first of which is known before the others are read.

    Parameters
    ----------
    records : Records

    Attributes
    ----------
    first : list of str
        The cells of the first record.
    where_first : str
        Its file and line, for errors.
    """

    def __init__(self, records):
        self.records = records
        self._number, self.first = next(records, (1, None))
        if self.first is None:
            raise ValueError(
                f"{records.path}: expected at least one record, found none."
            )
        self.where_first = records.locate(self._number)
        self._rest = records

    @property
    def second(self):
        """Cells of the second record, or None, read only if the first are numbers."""
        if not all(cell.strip().isdecimal() for cell in self.first):
            return None
        second = next(self._rest, None)
        if second is None:
            return None
        self._rest = itertools.chain([second], self._rest)
        return strip_cells(second[1])

    def rows(self, *, has_header):
        """Yield number and cells of each record that is no header."""
        rest = self._rest
        if not has_header:
            rest = itertools.chain([(self._number, self.first)], rest)
        number = None
        for number, cells in rest:
            if len(cells) != len(self.first):
                where = self.records.locate(number)
                raise ValueError(
                    f"{where}: expected {len(self.first)} columns as in the first "
                    f"record, got {len(cells)}; quote cells that hold the delimiter or "
                    f"line breaks{self.records.suggest()}."
                )
            yield number, cells
        if number is None:
            raise ValueError(
                f"{self.records.path}: expected records after the header, found none."
            )


def _make_join(columns, field_order, *, line_breaks, strip):
    """Return a function that returns the text of a record."""
    columns = columns[::-1] if field_order == "reverse" else columns

    def join(cells):
        fields = [cells[index] for index in columns]
        if line_breaks:
            fields = [field.replace("\\n", "\n") for field in fields]
        if strip:
            fields = [field.strip(string.whitespace) for field in fields]
        return " ".join(fields)

    return join


def _check_known_label(records, number, cells, columns, labels):
    """Raise `ValueError` unless there is a label of the model, or nothing."""
    label = cells[columns.label].strip()
    if label and label not in labels:
        where = records.locate(number)
        raise ValueError(
            f"{where}: expected a label of the model in column {columns.label}, as in "
            f"training, got {describe_cells([label])}; name the column of texts with "
            "text_columns."
        )


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
            f"order mark at its start, in column {label_column}, got {label!r}; leave "
            "no space before quotes, and save the file as UTF-8, in one piece."
        )
    if targets is not None and label not in targets:
        where = records.locate(number)
        raise ValueError(
            f"{where}: expected a class number from 1 to {len(targets)} in "
            f"column {label_column}, got {label!r}; see label_column, header "
            "and class_names."
        )


def _make_targets(n_classes):
    """Return the targets, from 0, of the labels "1" to "K"."""
    return {str(target + 1): target for target in range(n_classes)}


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"Expected {name} to be one of {choices}, got {value!r}.")
