"""Memory-mapped store of texts in files."""

import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from ..utils.validation import TextSequence, reject_single_text
from ._store_file import StoreFile, open_writer
from ._store_parts import write_files

__all__ = ["TextStore"]

_TEXTS_PER_CHUNK = 512  # bounds the memory of an iteration


class TextStore(TextSequence):
    """Memory-mapped sequence of texts for data larger than memory.

    A read-only sequence of str that every classifier and vectorizer accepts in place
    of a list, as do scikit-learn's splitters and searches. Indexing with a slice, an
    array of row numbers or a boolean array gives another store that reads the same
    files.

    Parameters
    ----------
    path : str or path-like
        File written by `from_texts` or `from_csv`.

    Attributes
    ----------
    path : pathlib.Path
        The file, as an absolute path. A store of several files, from `concat`, has
        only `paths`.
    paths : tuple of pathlib.Path
        All files.
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

    Pickles hold the paths and the row numbers, but no text. Unpickling needs the same
    files at the same paths; it is an error if one is missing or has other contents.

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
        self._files = _Files([StoreFile(Path(path).absolute())])
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
        with open_writer(path) as writer:
            writer.write_texts(texts)
        return cls(path)

    @classmethod
    def from_csv(
        cls,
        source: str | os.PathLike | Iterable[str | os.PathLike],
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
        n_jobs: int | None = None,
    ) -> Bunch:
        """Write the texts of files of labeled texts to a text store.

        Each file, CSV or another format, is parsed as by `read_csv`, record by record.
        Only the labels are loaded into memory.

        Parameters
        ----------
        source : str, path-like or iterable of these
            The file, or several ones in the order of their texts, in any formats that
            `read_csv` reads. They must have labels and texts in the same columns:
            those of the same names if both of two files have names, or else those in
            the same positions.
        path : str or path-like
            The text store to write, one file with all texts.
        label_column, text_columns, header, class_names, delimiter, encoding, \
field_order, line_breaks, strip
            As in `read_csv`, for each file.
        n_jobs : int, default=None
            Number of processes that read the files, one file at a time. None means 1,
            this process; -1 means one for each core. The result is the same, bit for
            bit. Several processes write a store of each file to a temporary folder
            beside `path`, which needs as much space again while they work.

        Returns
        -------
        bunch : :class:`~sklearn.utils.Bunch`
            As returned by `read_csv`, with a `TextStore` as `data`. The distinct
            labels of all files together decide `target` and `target_names`; a file
            may lack some. `columns` is that of the first file. The file of the text
            store does not contain the labels.

        Raises
        ------
        ValueError
            As in `read_csv`, or if there is no file, or one has other columns than
            the first, or `n_jobs` is 0. The message names the file, and no text store
            is written.
        OSError
            If a file cannot be read or written.
        RuntimeError
            If one of several processes is killed, perhaps for lack of memory.

        See Also
        --------
        concat : Stores of several files as one, without copying texts.
        """
        sources = [source] if isinstance(source, (str, os.PathLike)) else list(source)
        if not sources:
            raise ValueError("Expected at least one file of labeled texts, got none.")
        path = Path(path)
        labels = write_files(
            sources,
            path,
            n_jobs,
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
        return Bunch(data=cls(path), **labels)

    @classmethod
    def concat(cls, stores: Iterable["TextStore"]) -> Self:
        """Return a store of the texts of several stores, without copying texts.

        It reads the files of all these stores, and differs from a store of one file
        in its `paths` only.

        Parameters
        ----------
        stores : iterable of TextStore
            The stores, in the order of their texts; also parts of stores, and results
            of this method.

        Returns
        -------
        store : TextStore

        Raises
        ------
        ValueError
            If there is no store.
        TypeError
            If one of them is not a `TextStore`.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from sktextconv import TextStore
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     films = TextStore.from_texts(["so good", "dull"], Path(folder, "films"))
        ...     books = TextStore.from_texts(["a fine book"], Path(folder, "books"))
        ...     texts = TextStore.concat([films, books])
        >>> len(texts), texts[2], texts[::2] == ["so good", "a fine book"]
        (3, 'a fine book', True)
        """
        files, rows, n_texts, is_whole = [], [], 0, True
        for index, store in enumerate(stores):
            if not isinstance(store, TextStore):
                raise TypeError(
                    f"Expected text stores, got {type(store).__name__} at index "
                    f"{index}; write other texts with TextStore.from_texts first."
                )
            files += store._files
            rows.append(store._slice_rows(slice(None)) + n_texts)
            n_texts += store._files.n_texts
            is_whole &= store._rows is None
        if not files:
            raise ValueError("Expected at least one text store, got none.")
        return cls._make(_Files(files), None if is_whole else np.concatenate(rows))

    def verify(self) -> None:
        """Verify the checksums of whole files.

        Raises
        ------
        ValueError
            If any bit of a file has changed since it was written.
        """
        for file in self._files:
            file.verify()

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(file.path for file in self._files)

    @property
    def path(self) -> Path:
        if len(self._files) > 1:
            raise AttributeError(
                f"Expected a store of one file, got one of {len(self._files)}; read "
                "paths instead of path."
            )
        return self._files[0].path

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __len__(self) -> int:
        return self._files.n_texts if self._rows is None else len(self._rows)

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
            return self._files.read(self._slice_rows(slice(key, key + 1)))[0]
        if isinstance(key, slice):
            return self._make(self._files, self._slice_rows(key))
        key = np.asarray(key)
        if not key.size:
            key = key.astype(bool if key.dtype == bool else np.intp)
        if key.ndim != 1 or key.dtype.kind not in "biu":
            raise TypeError(
                "Expected an int, a slice, or a 1D array of ints or bools as index, "
                f"got an array of {key.dtype} of shape {key.shape}."
            )
        return self._make(self._files, self._slice_rows(slice(None))[key])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _TEXTS_PER_CHUNK):
            rows = self._slice_rows(slice(start, start + _TEXTS_PER_CHUNK))
            yield from self._files.read(rows)
            # After sequential rows, these pages will not be read again soon.
            if abs(rows[-1] - rows[0]) < 2 * len(rows):
                self._files.release_pages(rows)

    def __eq__(self, other):
        if not isinstance(other, (TextStore, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None

    def __repr__(self):
        first, n_others = self._files[0].path, len(self._files) - 1
        others = f" and {n_others} more" if n_others else ""
        return f"<TextStore of {len(self):,} texts in {first}{others}>"

    def __getstate__(self):
        files = [(str(file.path), file.header) for file in self._files]
        return {"files": files, "rows": self._rows}

    def __setstate__(self, state):
        # Before there were stores of several files, a state had a path and a header.
        files = state.get("files") or [(state["path"], state["header"])]
        self._files = _Files(StoreFile(Path(path)) for path, _ in files)
        self._rows = state["rows"]
        for file, (_, header) in zip(self._files, files, strict=True):
            if file.header != header:
                raise ValueError(
                    f"{file.path}: expected the text store of this pickle, got one "
                    "with other contents; put the file back, or select the texts again."
                )

    def _slice_rows(self, key):
        """Return the row numbers, in the files, of a slice of this store."""
        if self._rows is None:
            return np.arange(*key.indices(len(self)))
        return self._rows[key]

    @classmethod
    def _make(cls, files, rows):
        store = object.__new__(cls)
        store._files, store._rows = files, rows
        return store


class _Files(tuple):
    """Tuple of `StoreFile`, whose rows are numbered from the first to the last."""

    def __init__(self, _):
        self._ends = np.cumsum([file.n_texts for file in self])
        self.n_texts = int(self._ends[-1])

    def read(self, rows):
        """Return the texts of some rows, an array of int, as a list of str."""
        if len(self) == 1:
            return self[0].read(rows)
        numbers, texts = self._find(rows), [""] * len(rows)
        for number in np.unique(numbers):
            places = np.flatnonzero(numbers == number)
            start = self._ends[number] - self[number].n_texts
            found = self[number].read(rows[places] - start)
            for place, text in zip(places.tolist(), found, strict=True):
                texts[place] = text
        return texts

    def release_pages(self, rows):
        """Release the mapped pages of the files between the first and the last row."""
        first, last = sorted(self._find(rows[[0, -1]]))
        for file in self[first : last + 1]:
            file.release_pages()

    def _find(self, rows):
        """Return the index of the file of each row."""
        return np.searchsorted(self._ends, rows, side="right")
