"""File of a text store: its format, reading and writing."""

import array
import contextlib
import mmap
import struct
import tempfile
import zlib

import numpy as np

from ..utils._files import atomic_write
from ..utils.validation import reject_non_text

__all__ = ["StoreFile", "open_writer"]

# File layout: a header, the UTF-8 bytes of all texts concatenated, zero padding to a
# multiple of eight bytes, and the int64 offset of each text followed by the end of the
# last one. All numbers are little-endian.
_MAGIC = b"sktexts\n"
_VERSION = 1
_HEADER = struct.Struct("<8sIQQIII")
_FIELDS = (
    "magic",
    "version",
    "n_texts",
    "n_bytes",
    "texts_crc",  # CRC-32 of the bytes of all texts and the padding
    "offsets_crc",  # CRC-32 of the offsets
    "header_crc",  # CRC-32 of all before it
)
_OFFSET = np.dtype("<i8")

# These chunk sizes bound the memory of a step.
_OFFSETS_PER_CHUNK = 2**16
_CHUNK_SIZE = 2**20

_HINT = "copy the file, or write it, again with TextStore.from_texts or from_csv"


class StoreFile:
    """Mapped file, shared by all stores that read it.

    Parameters
    ----------
    path : pathlib.Path

    Attributes
    ----------
    header : bytes
    n_texts, n_bytes : int
        Numbers of texts and of their bytes.
    """

    def __init__(self, path):
        self.path = path
        try:
            with path.open("rb") as file:
                self.header = file.read(_HEADER.size)
                found = self._check_header()
                self._check_size(found, file.seek(0, 2))
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"Expected a text store, but there is no file {path}; make one with "
                "TextStore.from_texts or TextStore.from_csv."
            ) from error
        self.n_texts, self.n_bytes = found["n_texts"], found["n_bytes"]
        self._texts_crc = found["texts_crc"]
        self._data = memoryview(self._map)
        self._offsets_start = _offsets_start(found["n_bytes"])
        self._offsets = np.frombuffer(self._map, _OFFSET, offset=self._offsets_start)
        # Every read depends on the offsets, and they are a small part of the file.
        if self._checksum(self._offsets_start, len(self._data)) != found["offsets_crc"]:
            raise ValueError(self._damage("a table of offsets", "checksum"))

    def read(self, rows):
        """Return the texts of some rows, an array of int, as a list of str."""
        starts = (self._offsets[rows] + _HEADER.size).tolist()
        ends = (self._offsets[rows + 1] + _HEADER.size).tolist()
        try:
            return [
                str(self._data[start:end], "utf-8", "surrogatepass")
                for start, end in zip(starts, ends, strict=True)
            ]
        except UnicodeDecodeError as error:
            raise ValueError(self._damage("texts", f"encoding ({error})")) from error

    def read_bytes(self):
        """Yield the bytes of all texts in chunks."""
        return self._read_chunks(_HEADER.size, _HEADER.size + self.n_bytes)

    def read_ends(self):
        """Yield the offsets of the ends of all texts in chunks, arrays of int."""
        for start in range(1, self.n_texts + 1, _OFFSETS_PER_CHUNK):
            yield self._offsets[start : start + _OFFSETS_PER_CHUNK]

    def verify(self):
        """Raise `ValueError` if the checksum of the texts is wrong."""
        if self._checksum(_HEADER.size, self._offsets_start) != self._texts_crc:
            raise ValueError(self._damage("texts", "checksum"))

    def _checksum(self, start, end):
        checksum = 0
        for data in self._read_chunks(start, end):
            checksum = zlib.crc32(data, checksum)
        return checksum

    def _read_chunks(self, start, end):
        for first in range(start, end, _CHUNK_SIZE):
            yield self._data[first : min(first + _CHUNK_SIZE, end)]
            self.release_pages()

    def release_pages(self):
        """Remove the mapped pages from the resident memory of this process.

        They stay in the page cache of the system while memory is free.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def _check_header(self):
        if not self.header.startswith(_MAGIC):
            raise ValueError(
                f"{self.path}: expected a text store, which begins with {_MAGIC!r}, "
                f"got a file that begins with {self.header[: len(_MAGIC)]!r}; make one "
                "with TextStore.from_texts or TextStore.from_csv."
            )
        if len(self.header) < _HEADER.size:
            raise ValueError(self._damage("a header", "size"))
        found = dict(zip(_FIELDS, _HEADER.unpack(self.header), strict=True))
        if zlib.crc32(self.header[:-4]) != found["header_crc"]:
            raise ValueError(self._damage("a header", "checksum"))
        if found["version"] != _VERSION:
            raise ValueError(
                f"{self.path}: expected version {_VERSION} of the format, got version "
                f"{found['version']}; read it with a later sktextconv."
            )
        return found

    def _check_size(self, found, n_bytes):
        start = _offsets_start(found["n_bytes"])
        expected = start + (found["n_texts"] + 1) * _OFFSET.itemsize
        if n_bytes != expected:
            raise ValueError(
                f"{self.path}: expected {expected} bytes according to its header, got "
                f"{n_bytes}; {_HINT}."
            )

    def _damage(self, part, aspect):
        """Return the message of an error about a part with a wrong size or checksum."""
        return (
            f"{self.path}: expected a whole text store, got {part} of wrong {aspect}; "
            f"{_HINT}."
        )


@contextlib.contextmanager
def open_writer(path):
    """Open a `Writer` of a file, which replaces `path` if the block raises no error.

    Parameters
    ----------
    path : pathlib.Path
    """
    with atomic_write(path) as out, tempfile.TemporaryFile(dir=path.parent) as ends:
        out.write(bytes(_HEADER.size))
        ends.write(bytes(_OFFSET.itemsize))
        writer = Writer(out, ends)
        yield writer
        writer.finish()


class Writer:
    """Writer of texts, one after the other.

    Parameters
    ----------
    out : file
        The file of the store, after its header.
    ends : file
        Temporary file of the offsets.
    """

    def __init__(self, out, ends):
        self._out, self._ends = out, ends
        self._n_texts, self._n_bytes, self._texts_crc = 0, 0, 0

    def write_texts(self, texts):
        """Write an iterable of str."""
        write, n_bytes, texts_crc = self._out.write, self._n_bytes, self._texts_crc
        n_texts, offsets = 0, array.array("q")
        for n_texts, text in enumerate(texts, 1):
            if type(text) is not str:
                reject_non_text(text, n_texts - 1)
            data = text.encode("utf-8", "surrogatepass")
            write(data)
            texts_crc = zlib.crc32(data, texts_crc)
            n_bytes += len(data)
            offsets.append(n_bytes)
            if len(offsets) == _OFFSETS_PER_CHUNK:
                self._ends.write(np.array(offsets, dtype=_OFFSET))
                del offsets[:]
        self._ends.write(np.array(offsets, dtype=_OFFSET))
        self._n_texts += n_texts
        self._n_bytes, self._texts_crc = n_bytes, texts_crc

    def write_file(self, file):
        """Write the texts of a `StoreFile`, without decoding them."""
        for data in file.read_bytes():
            self._out.write(data)
            self._texts_crc = zlib.crc32(data, self._texts_crc)
        for ends in file.read_ends():
            self._ends.write((ends + self._n_bytes).astype(_OFFSET))
        self._n_texts += file.n_texts
        self._n_bytes += file.n_bytes

    def finish(self):
        """Write the padding, the offsets and the header."""
        padding = bytes(-(_HEADER.size + self._n_bytes) % _OFFSET.itemsize)
        self._out.write(padding)
        texts_crc, offsets_crc = zlib.crc32(padding, self._texts_crc), 0
        self._ends.seek(0)
        while data := self._ends.read(_CHUNK_SIZE):
            offsets_crc = zlib.crc32(data, offsets_crc)
            self._out.write(data)
        self._out.seek(0)
        self._out.write(
            _make_header(self._n_texts, self._n_bytes, texts_crc, offsets_crc)
        )


def _offsets_start(n_bytes):
    return -(-(_HEADER.size + n_bytes) // _OFFSET.itemsize) * _OFFSET.itemsize


def _make_header(n_texts, n_bytes, texts_crc, offsets_crc):
    values = (_MAGIC, _VERSION, n_texts, n_bytes, texts_crc, offsets_crc)
    header = _HEADER.pack(*values, 0)
    return _HEADER.pack(*values, zlib.crc32(header[:-4]))
