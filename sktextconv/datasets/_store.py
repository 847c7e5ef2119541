"""Memory-mapped store of texts in a file."""

import array
import mmap
import operator
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from ..utils._files import atomic_write
from ..utils.validation import TextSequence, reject_non_text, reject_single_text
from ._csv import read_labeled

__all__ = ["TextStore"]

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
_TEXTS_PER_CHUNK = 512
_OFFSETS_PER_CHUNK = 2**16
_CHUNK_SIZE = 2**20

_HINT = "copy the file, or write it, again with TextStore.from_texts or from_csv"


class TextStore(TextSequence):
    """Memory-mapped sequence of texts for data larger than memory.

    A read-only sequence of str that every classifier and vectorizer accepts in place
    of a list, as do scikit-learn's splitters and searches. Indexing with a slice, an
    array of row numbers or a boolean array gives another store that reads the same
    file.

    Parameters
    ----------
    path : str or path-like
        File written by `from_texts` or `from_csv`.

    Attributes
    ----------
    path : pathlib.Path
        The file, as an absolute path.
    shape : tuple of int
        ``(n_texts,)``.
    ndim : int
        1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a text store, is of a later version, truncated or damaged.

    See Also
    --------
    read_csv : Texts and labels in memory.

    Notes
    -----
    The file is mapped into memory. Opening it checks the header, the file size and the
    offsets, but not the texts; `verify` reads all. Any str can be stored, including
    NULs and lone surrogates.

    Pickles hold the path and the row numbers, but no text. Unpickling needs the same
    file at the same path; it is an error if the file is missing or has other contents.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sktextconv import TextStore
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "films.texts")
    ...     texts = TextStore.from_texts(["a fine film", "so good", "dull"], path)
    >>> len(texts), texts[-1], texts[[2, 0]] == ["dull", "a fine film"]
    (3, 'dull', True)
    """

    ndim = 1

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path).absolute()
        self._content = _Content(self.path)
        self._rows = None  # all rows

    @classmethod
    def from_texts(cls, texts: Iterable[str], path: str | os.PathLike) -> Self:
        """Write texts to a file and open it.

        The file is written atomically: an existing file stays until the new one is
        complete.

        Parameters
        ----------
        texts : iterable of str
            Texts, read once, one by one; a generator works.
        path : str or path-like
            The file to write.

        Returns
        -------
        store : TextStore

        Raises
        ------
        ValueError
            If `texts` is a single text, or one of them is missing.
        TypeError
            If one of them is not a str.
        OSError
            If the file cannot be written.
        """
        reject_single_text(texts)
        path = Path(path)
        with atomic_write(path) as out, tempfile.TemporaryFile(dir=path.parent) as ends:
            out.write(bytes(_HEADER.size))
            n_bytes, texts_crc, n_texts = 0, 0, 0
            offsets = array.array("q", [0])
            for n_texts, text in enumerate(texts, 1):
                if type(text) is not str:
                    reject_non_text(text, n_texts - 1)
                data = text.encode("utf-8", "surrogatepass")
                out.write(data)
                texts_crc = zlib.crc32(data, texts_crc)
                n_bytes += len(data)
                offsets.append(n_bytes)
                if len(offsets) == _OFFSETS_PER_CHUNK:
                    ends.write(np.array(offsets, dtype=_OFFSET))
                    del offsets[:]
            ends.write(np.array(offsets, dtype=_OFFSET))
            padding = bytes(-(_HEADER.size + n_bytes) % _OFFSET.itemsize)
            out.write(padding)
            texts_crc = zlib.crc32(padding, texts_crc)
            ends.seek(0)
            offsets_crc = 0
            while data := ends.read(_CHUNK_SIZE):
                offsets_crc = zlib.crc32(data, offsets_crc)
                out.write(data)
            out.seek(0)
            out.write(_make_header(n_texts, n_bytes, texts_crc, offsets_crc))
        return cls(path)

    @classmethod
    def from_csv(
        cls,
        source: str | os.PathLike,
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
        """Write the texts of a file of labeled texts to a text store.

        The file, CSV or another format, is parsed as by `read_csv`, record by record.
        Only its labels are loaded into memory.

        Parameters
        ----------
        source : str or path-like
            The file, in any format that `read_csv` reads.
        path : str or path-like
            The text store to write.
        label_column, text_columns, header, class_names, delimiter, encoding, \
field_order, line_breaks, strip
            As in `read_csv`.

        Returns
        -------
        bunch : :class:`~sklearn.utils.Bunch`
            As returned by `read_csv`, with a `TextStore` as `data`. The file of the
            text store does not contain the labels.

        Raises
        ------
        ValueError
            As in `read_csv`; no text store is written then.
        OSError
            If a file cannot be read or written.
        """
        read = read_labeled(
            source,
            lambda texts: cls.from_texts(texts, path),
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

    def verify(self) -> None:
        """Verify the checksum of the whole file.

        Raises
        ------
        ValueError
            If any bit of the file has changed since it was written.
        """
        self._content.verify()

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __len__(self) -> int:
        return self._content.n_texts if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, key: int) -> str: ...

    @overload
    def __getitem__(self, key: slice | ArrayLike) -> Self: ...

    def __getitem__(self, key):
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            key = key[0]  # scikit-learn indexes objects with a shape like this
        # A one-element array has __index__, too, but must give a store.
        if hasattr(key, "__index__") and not getattr(key, "ndim", 0):
            key = operator.index(key)
            if not -len(self) <= key < len(self):
                raise IndexError(f"Expected one of {len(self)} texts, got index {key}.")
            key %= len(self)
            return self._content.read(self._slice_rows(slice(key, key + 1)))[0]
        if isinstance(key, slice):
            return self._view(self._slice_rows(key))
        key = np.asarray(key)
        if not key.size:
            key = key.astype(bool if key.dtype == bool else np.intp)
        if key.ndim != 1 or key.dtype.kind not in "biu":
            raise TypeError(
                "Expected an int, a slice, or a 1D array of ints or bools as index, "
                f"got an array of {key.dtype} of shape {key.shape}."
            )
        return self._view(self._slice_rows(slice(None))[key])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _TEXTS_PER_CHUNK):
            rows = self._slice_rows(slice(start, start + _TEXTS_PER_CHUNK))
            yield from self._content.read(rows)
            # After sequential rows, these pages will not be read again soon.
            if rows[-1] - rows[0] < 2 * len(rows):
                self._content.release_pages()

    def __eq__(self, other):
        if not isinstance(other, (TextStore, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None

    def __repr__(self):
        return f"<TextStore of {len(self):,} texts in {self.path}>"

    def __getstate__(self):
        return {
            "path": str(self.path),
            "header": self._content.header,
            "rows": self._rows,
        }

    def __setstate__(self, state):
        self.path, self._rows = Path(state["path"]), state["rows"]
        self._content = _Content(self.path)
        if self._content.header != state["header"]:
            raise ValueError(
                f"{self.path}: expected the text store of this pickle, got one with "
                "other contents; put the file back, or select the texts again."
            )

    def _slice_rows(self, key):
        """Return the row numbers, in the file, of a slice of this store."""
        if self._rows is None:
            return np.arange(*key.indices(len(self)))
        return self._rows[key]

    def _view(self, rows):
        view = object.__new__(type(self))
        view.path, view._content, view._rows = self.path, self._content, rows
        return view


class _Content:
    """Mapped file, shared by all stores that read it."""

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
        self.n_texts = found["n_texts"]
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

    def verify(self):
        if self._checksum(_HEADER.size, self._offsets_start) != self._texts_crc:
            raise ValueError(self._damage("texts", "checksum"))

    def _checksum(self, start, end):
        checksum = 0
        for first in range(start, end, _CHUNK_SIZE):
            data = self._data[first : min(first + _CHUNK_SIZE, end)]
            checksum = zlib.crc32(data, checksum)
            self.release_pages()
        return checksum

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


def _offsets_start(n_bytes):
    return -(-(_HEADER.size + n_bytes) // _OFFSET.itemsize) * _OFFSET.itemsize


def _make_header(n_texts, n_bytes, texts_crc, offsets_crc):
    values = (_MAGIC, _VERSION, n_texts, n_bytes, texts_crc, offsets_crc)
    header = _HEADER.pack(*values, 0)
    return _HEADER.pack(*values, zlib.crc32(header[:-4]))
