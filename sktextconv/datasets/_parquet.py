"""Records of Parquet files."""

import re

from ..utils._optional_dependencies import require
from ._compressed import max_bytes

__all__ = ["read_parquet"]

_BATCH_SIZE = 1024  # records
_BUFFER_SIZE = 2**20  # bytes

_STRINGS = {"string", "large_string", "string_view"}  # types of pyarrow
# pandas stores an index without a name in such a column.
_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(records):
    """Yield the names of the columns, and then the number and cells of each record.

    Cells of columns that are not in use are None.

    Parameters
    ----------
    records : Records
        Its `text_indices` and `other_indices` are the columns in use.
    """
    pyarrow = require("pyarrow", by="Reading Parquet files", extra="parquet")
    parquet = require("pyarrow.parquet", by="Reading Parquet files", extra="parquet")
    path = records.path
    try:
        with (
            path.open("rb") as data,
            # With pre_buffer, pyarrow holds the bytes of the whole file.
            parquet.ParquetFile(
                data,
                buffer_size=_BUFFER_SIZE,
                pre_buffer=False,
                page_checksum_verification=True,
            ) as file,
        ):
            schema = file.schema_arrow
            names = [name for name in schema.names if not _INDEX.fullmatch(name)]
            yield 1, names
            used = _check_types(records, names, schema, pyarrow)
            number, n_left = 0, max_bytes(path)
            for columns in _read_columns(file, used, pyarrow):
                n_left -= sum(column.nbytes for column in columns.values())
                if n_left < 0:
                    raise ValueError(
                        f"{path}: expected at most {max_bytes(path):,} bytes of texts "
                        "in a compressed file of that size, got more."
                    )
                for cells in _to_rows(columns, len(names)):
                    number += 1
                    _check_nulls(f"{path}, row {number}", used, cells)
                    yield number, cells
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        # The system's own errors, such as a missing file, have a number.
        if getattr(error, "errno", None):
            raise
        raise ValueError(
            f"{path}: expected a whole Parquet file, got an error of pyarrow, "
            f"{type(error).__name__}; copy or write it again."
        ) from error


def _check_types(records, names, schema, pyarrow):
    """Return the names of the columns in use, by index; check their types."""
    indices = sorted({*records.text_indices, *records.other_indices})
    used = {index: names[index] for index in indices}
    for index, name in used.items():
        if names.count(name) > 1:
            raise ValueError(
                f"{records.path}: expected different names of columns, got two named "
                f"{name!r}."
            )
        kind = schema.field(name).type
        if pyarrow.types.is_dictionary(kind):
            kind = kind.value_type
        if str(kind) in _STRINGS:
            continue
        if index in records.text_indices:
            raise ValueError(
                f"{records.path}: expected strings in the column {name!r}, got {kind}; "
                "name the columns of texts with text_columns."
            )
        if not any(is_type(kind) for is_type in _number_types(pyarrow.types)):
            raise ValueError(
                f"{records.path}: expected strings or numbers in the column {name!r}, "
                f"got {kind}; name the column of labels with label_column."
            )
    return used


def _number_types(types):
    return types.is_integer, types.is_floating, types.is_boolean


def _read_columns(file, used, pyarrow):
    """Yield a dict of the columns in use, as strings, by index, of each batch."""
    names = list(used.values())
    for batch in file.iter_batches(_BATCH_SIZE, columns=names, use_threads=False):
        columns = {index: batch.column(name) for index, name in used.items()}
        for index, column in columns.items():
            if pyarrow.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            columns[index] = column.cast(pyarrow.large_string())
        yield columns


def _to_rows(columns, width):
    """Yield the cells of each record."""
    indices = list(columns)
    for values in zip(
        *(column.to_pylist() for column in columns.values()), strict=True
    ):
        cells = [None] * width
        for index, value in zip(indices, values, strict=True):
            cells[index] = value
        yield cells


def _check_nulls(where, used, cells):
    for index, name in used.items():
        if cells[index] is None:
            raise ValueError(
                f"{where}: expected a string in the column {name!r}, got null; fill or "
                "remove such records."
            )
