"""Texts of files whose labels are not read, or not there."""

import contextlib
from pathlib import Path

from ._columns import choose_unlabeled, find_columns, find_header
from ._header import describe_cells
from ._records import read_raw_lines
from ._table import make_join, open_table

__all__ = ["open_lines", "open_texts"]


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
    with open_table(path, delimiter, encoding) as table:
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
        join = make_join(columns.texts, "forward", line_breaks=True, strip=True)

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
