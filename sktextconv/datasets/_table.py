"""Records of a file and the texts in them, once the columns are known."""

import contextlib
import itertools
import string
from pathlib import Path

from ._columns import strip_cells
from ._records import Records

__all__ = ["Table", "make_join", "open_table"]


@contextlib.contextmanager
def open_table(path, delimiter, encoding):
    records = Records(Path(path), delimiter=delimiter, encoding=encoding)
    with contextlib.closing(records):
        yield Table(records)


class Table:
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
            # Files with headers that were joined end to end have several of them.
            if has_header and cells == self.first and len(cells) > 1:
                raise ValueError(
                    f"{self.records.locate(number)}: expected a record, got the names "
                    "of the columns again; remove this line, or read each of the files "
                    "that were joined."
                )
            yield number, cells
        if number is None:
            raise ValueError(
                f"{self.records.path}: expected records after the header, found none."
            )


def make_join(columns, field_order, *, line_breaks, strip):
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
