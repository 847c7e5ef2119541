"""Columns of labels and texts in a file, and the choice of them."""

import dataclasses

import numpy as np

from ._header import could_be_header, describe_cells, kind_of_column

__all__ = [
    "Columns",
    "choose_labeled",
    "choose_unlabeled",
    "find_columns",
    "find_header",
    "strip_cells",
]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Positions of labels and texts in a file.

    Attributes
    ----------
    n_columns : int
    names : list of str of shape (n_columns,), or None
        The cells of the header; None if the first record is data.
    label : int or None
        None if the labels are not read, or not there.
    texts : list of int
    """

    n_columns: int
    names: list[str] | None
    label: int | None
    texts: list[int]

    def to_dict(self):
        """Return the JSON-serializable form, which saved models contain."""
        return dataclasses.asdict(self)

    def identify(self, *, by_name):
        """Return the number of columns, the label and the texts, or these two by name.

        The result is a tuple; equal columns have equal ones.
        """
        if not by_name:
            return self.n_columns, self.label, *self.texts
        return tuple(self.names[index] for index in (self.label, *self.texts))

    def fit_positions(self, n_columns):
        """Return whether a file of so many columns without names has these positions.

        If names told the columns apart, other columns could be anywhere.
        """
        others = {*range(self.n_columns)} - {self.label, *self.texts}
        return n_columns == self.n_columns and (self.names is None or not others)

    def names_in(self, names, wanted):
        """Return the names of columns that a first record has too, or None.

        Parameters
        ----------
        names : list of str
            The cells of the record.
        wanted : list of int
            Positions of the columns here. They must have names, each exactly once in
            the record.
        """
        if self.names is None:
            return None
        found = [self.names[index] for index in wanted]
        return found if all(names.count(name) == 1 for name in found) else None


def find_header(table, header, columns, *, trained=None, wanted=(), labels=()):
    """Return whether the first record names the columns, or None if that is open.

    Parameters
    ----------
    table : object
        The file, with its first record.
    header : bool or "auto"
    columns : list
        The arguments `label_column`, `text_columns` and the like; a name implies a
        header.
    trained : Columns, default=None
        The columns of the file that the model was trained on. Their names imply a
        header, unless a label is beside them.
    wanted : list of int, default=()
        Positions of these columns that must be there.
    labels : collection of str, default=()
        The labels of the model.
    """
    if table.records.has_header is not None:
        return table.records.has_header
    if header != "auto":
        return bool(header)
    if any(map(_is_name, columns)):
        return True
    names = strip_cells(table.first)
    if trained is not None and trained.names_in(names, wanted):
        return None if {*names} & {*labels} else True
    return None


def choose_labeled(
    records,
    cells,
    label_column,
    text_columns,
    *,
    header,
    trained=None,
    other_columns=(),
):
    """Return the columns of a labeled file.

    Parameters
    ----------
    records : Records
        The file.
    cells : list of str
        The first record.
    label_column, text_columns
        As in `read_csv`.
    header : bool
        Whether the first record names the columns.
    trained : Columns, default=None
        The columns of the file that the model was trained on, which replace columns
        that are not given.
    other_columns : sequence of int or str, default=()
        Columns that are no texts, unless `text_columns` has them.

    Returns
    -------
    columns : Columns
    """
    if trained is not None and not records.is_labeled:
        label_column, text_columns = _replace_missing(
            records, cells, label_column, text_columns, header=header, trained=trained
        )
    find = _Finder(records, cells, header)
    label = find.one(0 if label_column is None else label_column)
    if text_columns is None:
        left_out = {label, *find.all(other_columns)}
        texts = [index for index in range(len(cells)) if index not in left_out]
    else:
        texts = find.all(text_columns)
    if not texts:
        others = f" besides {', '.join(map(repr, other_columns))}"
        raise ValueError(
            f"{records.path}: expected a column of labels and at least one of texts"
            f"{others if other_columns else ''}, with commas between, got {len(cells)} "
            f"column(s) and text_columns={text_columns!r}{records.suggest()}."
        )
    if label in texts:
        raise ValueError(
            f"{records.path}: expected labels and texts in different columns, got "
            f"column {label} as both; change label_column or text_columns."
        )
    if header and label_column is None:
        _check_first_is_label(records, find.names)
    if header and text_columns is None:
        _check_all_are_texts(records, find.names, texts)
    return Columns(len(cells), find.names if header else None, label, texts)


def choose_unlabeled(
    records, cells, text_columns, *, header, second=None, trained=None, labels=()
):
    """Return the columns of a file whose labels are not read.

    Parameters
    ----------
    records, cells, trained
        As in `choose_labeled`.
    text_columns
        As in `read_csv`, except that None takes the columns of training, or the only
        column.
    header : bool or None
        Whether the first record names the columns; None if that is open.
    second : list of str, default=None
        The second record, if it is known.
    labels : collection of str, default=()
        The labels of the model.

    Returns
    -------
    columns : Columns
        It has a label only if the columns of training were taken by position.
    """
    n_columns, names = len(cells), strip_cells(cells)
    if records.is_labeled and text_columns is None:
        return Columns(n_columns, None, None, [1])
    found = trained and header and trained.names_in(names, trained.texts)
    as_trained = trained is not None and trained.fit_positions(n_columns)
    as_trained &= not records.by_name
    label = None
    if text_columns is None and found:
        text_columns = found
    elif text_columns is None and n_columns == 1:
        text_columns = [names[0] if records.by_name else 0]
    elif text_columns is None:
        # Names that differ from those of training can be in another order.
        if not as_trained or (header and trained.names is not None):
            raise ValueError(_describe_missing(records, cells, trained, header))
        label, text_columns = trained.label, trained.texts
    if header is None and could_be_header(names, second):
        # A label of the model is evidence of data.
        if label is not None and names[label] not in labels:
            raise ValueError(_describe_missing(records, cells, trained, header))
        _check_is_data(records, names, label)
    find = _Finder(records, cells, bool(header))
    return Columns(n_columns, names if header else None, label, find.all(text_columns))


def find_columns(records, cells, columns, *, header):
    """Return the positions of columns given by name or position."""
    return _Finder(records, cells, header).all(columns)


class _Finder:
    """Positions of columns given by name or position."""

    def __init__(self, records, cells, header):
        self._path, self._by_name = records.path, records.by_name
        self.names = strip_cells(cells)
        self._header = header

    def one(self, column):
        if isinstance(column, str):
            return self._find_name(column)
        if self._by_name:
            raise ValueError(
                f"{self._path}: expected the name of one of the fields "
                f"{describe_cells(self.names)}, got the position {column!r}; pass "
                "label_column and text_columns."
            )
        try:
            return range(len(self.names))[column]
        except (IndexError, TypeError):
            raise ValueError(
                f"{self._path}: expected the position of one of {len(self.names)} "
                f"columns, counted from 0, or a name, got {column!r}."
            ) from None

    def all(self, columns):
        if isinstance(columns, (str, int, np.integer)):
            columns = [columns]
        return [self.one(column) for column in columns]

    def _find_name(self, column):
        if not self._header:
            raise ValueError(
                f"Expected a column's position, got {column!r}; pass header=True "
                f"if the first record of {self._path} names the columns."
            )
        if self.names.count(column) != 1:
            raise ValueError(
                f"{self._path}: expected one column named {column!r}, found "
                f"{self.names.count(column)} among {describe_cells(self.names)}."
            )
        return self.names.index(column)


def _replace_missing(records, cells, label_column, text_columns, *, header, trained):
    """Return the label column and the text columns, as in training if not given."""
    missing = [trained.label] if label_column is None else []
    missing += trained.texts if text_columns is None else []
    if not missing:
        return label_column, text_columns
    found = trained.names_in(strip_cells(cells), missing) if header else None
    # Names that differ from those of training can be in another order.
    has_other_names = header and trained.names is not None
    if not found and trained.fit_positions(len(cells)) and not has_other_names:
        found = list(missing)
    if not found:
        if label_column is None and text_columns is None:
            raise ValueError(_describe_missing(records, cells, trained, header))
        return label_column, text_columns
    if label_column is None:
        label_column = found.pop(0)
    return label_column, (found if text_columns is None else text_columns)


def _check_is_data(records, names, label):
    """Raise `ValueError` unless something that is no name is beside a label."""
    others = [name for index, name in enumerate(names) if index != label]
    is_name = any(map(kind_of_column, others)) or all(map(str.isdecimal, others))
    if label is None or is_name:
        raise ValueError(
            f"{records.path}, line 1: expected names of columns or a text, and cannot "
            f"tell which, got {describe_cells(names)}; pass header=True if this line "
            "names the columns, or header=False if it is data."
        )


def _describe_missing(records, cells, trained, header):
    """Return the message of an error about columns that have to be named."""
    if trained is None:
        expected = "a single column, of texts"
    elif trained.names is None:
        expected = (
            f"{trained.n_columns} columns without names, with labels of the model in "
            f"column {trained.label}, as in training"
        )
    else:
        wanted = [trained.names[index] for index in (trained.label, *trained.texts)]
        expected = f"columns with the names in training, {describe_cells(wanted)}"
    got = f"{len(cells)} column(s)"
    if header or (header is None and could_be_header(strip_cells(cells))):
        got += f", {describe_cells(strip_cells(cells))}"
    return (
        f"{records.path}: expected {expected}, got {got}{records.suggest()}; name the "
        "column of texts with text_columns."
    )


def _check_first_is_label(records, names):
    """Raise `ValueError` if the names say that the first column has no labels."""
    kinds = list(map(kind_of_column, names))
    labels = [name for name, kind in zip(names, kinds, strict=True) if kind == "label"]
    first_is_other = kinds[0] in ("other", "text") or not names[0]
    if labels[:1] == names[:1] and len(labels) == 1:
        return
    if labels or first_is_other:
        raise ValueError(
            f"{records.path}: expected the labels in the first of the columns "
            f"{describe_cells(names)}, and their names say otherwise; name the column "
            "of labels with label_column."
        )


def _check_all_are_texts(records, names, texts):
    """Raise `ValueError` if the names say that some of several columns are no texts."""
    named = [names[index] for index in texts]
    kinds = {kind_of_column(name) if name else "other" for name in named}
    if len(texts) > 1 and kinds not in ({"text"}, {None}):
        raise ValueError(
            f"{records.path}: expected texts in all of the columns "
            f"{describe_cells(named)}, and their names say otherwise; name the columns "
            "of texts with text_columns."
        )


def _is_name(column):
    """Return whether a column, or one of several, is given by name."""
    if isinstance(column, str):
        return True
    if column is None or isinstance(column, (int, np.integer)):
        return False
    return any(isinstance(each, str) for each in column)


def strip_cells(cells):
    """Return cells without white space at their ends, as names are compared."""
    return [cell.strip() for cell in cells]
