"""Records of files of texts: lines, cells, encodings, compression."""

import contextlib
import csv
import gzip
import io
import lzma
import sys
import threading
import zlib
from pathlib import Path

from ._compressed import open_compressed

__all__ = ["read_raw_lines", "read_records"]

_STDIN = Path("-")
# csv.field_size_limit is global to the process: only one thread may change it.
_field_size_lock = threading.Lock()


def read_records(path):
    """Yield the first line number and the cells of each record."""
    line = 1
    with _no_field_size_limit(), contextlib.closing(read_raw_lines(path)) as lines:
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


def read_raw_lines(path):
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
def _no_field_size_limit():
    with _field_size_lock:
        limit = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


@contextlib.contextmanager
def _open_text(path, errors="strict"):
    # Spreadsheet programs write a byte order mark; "utf-8-sig" skips it.
    options = {"encoding": "utf-8-sig", "errors": errors, "newline": ""}
    if path == _STDIN:
        stream = io.TextIOWrapper(sys.stdin.buffer, **options)
        try:
            yield stream
        finally:
            stream.detach()  # leaves standard input open
        return
    is_compressed = path.suffix in (".gz", ".xz")
    data = open_compressed(path) if is_compressed else path.open("rb")
    with io.TextIOWrapper(data, **options) as stream:
        yield stream


def _first_undecodable_line(path):
    with _open_text(path, errors="surrogateescape") as stream:
        for line, text in enumerate(stream, 1):
            try:
                text.encode()
            except UnicodeEncodeError:
                return line
    return "unknown"
