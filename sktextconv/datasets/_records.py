"""Records of files of texts, in all formats."""

from ._decoding import open_text
from ._delimited import check_delimiter, read_delimited, suggest_delimiter
from ._fasttext import is_fasttext, read_fasttext
from ._json_lines import is_json_object, read_json_lines
from ._parquet import read_parquet

__all__ = ["Records", "read_raw_lines"]

_PARQUET = (".parquet", ".pq")
_JSON = (".jsonl", ".ndjson", ".json")


class Records:
    """Iterator of the records of a file: pairs of a number and a list of cells.

    The name of the file and its first line decide the format: Parquet, JSON lines,
    fastText, or a delimited file. Memory is constant.

    Parameters
    ----------
    path : pathlib.Path
        The file; ``-`` is the standard input.
    delimiter : str, default=None
        Delimiter of a delimited file. None recognizes format and delimiter.
    encoding : str, default=None
        Encoding of a text file. None takes that of the byte-order mark, or UTF-8.

    Attributes
    ----------
    has_header : bool or None
        Whether the first record contains the names of the columns, and not data, in
        this format; None if the format leaves that open. Known once the first record
        has been read.
    by_name : bool
        Whether columns have names only, in no particular order.
    is_labeled : bool
        Whether the format itself has a label in column 0 and a text in column 1.
    unit : {"line", "row"}
        Meaning of the number of a record.
    text_indices, other_indices : list of int
        Columns in use, set by `use`.
    """

    def __init__(self, path, *, delimiter=None, encoding=None):
        check_delimiter(delimiter)
        self.path = path
        self.has_header, self.by_name, self.is_labeled = None, False, False
        self.unit = "line"
        self.text_indices, self.other_indices = [], []
        self._text = None
        self._records = self._read(delimiter, encoding)

    def __iter__(self):
        return self._records

    def __next__(self):
        return next(self._records)

    def close(self):
        """Close the file."""
        self._records.close()

    def use(self, text_indices, other_indices=()):
        """Set the columns to read, before the second record is read.

        Texts must be strings; cells of the other columns may be numbers.
        """
        self.text_indices, self.other_indices = text_indices, other_indices

    def locate(self, number):
        """Return the location of a record, for error messages."""
        return f"{self.path}, {self.unit} {number}"

    def suggest(self):
        """Return a clause about a delimiter that fits the first lines, or nothing."""
        if self._text is None or self._text.delimiter is None:
            return ""
        return suggest_delimiter(self._text, self._text.delimiter)

    def _read(self, delimiter, encoding):
        suffix = _find_suffix(self.path)
        if suffix in _PARQUET:
            self._reject("Parquet", delimiter=delimiter, encoding=encoding)
            self.has_header, self.unit = True, "row"
            yield from read_parquet(self)
            return
        if suffix in _JSON:
            self._reject("JSON lines", delimiter=delimiter)
        with open_text(self.path, encoding) as self._text:
            head = _read_head(self._text.lines)
            first = head[-1] if head and delimiter is None else ""
            if suffix in _JSON or is_json_object(first):
                self.has_header, self.by_name = True, True
                yield from read_json_lines(self, self._text, head)
            elif is_fasttext(first):
                self.has_header, self.is_labeled = False, True
                yield from read_fasttext(self._text, head)
            else:
                yield from read_delimited(self._text, head, delimiter)

    def _reject(self, file_format, **options):
        for name, value in options.items():
            if value is not None:
                raise ValueError(
                    f"{self.path}: expected no {name} for {file_format}, got "
                    f"{name}={value!r}."
                )


def read_raw_lines(path, encoding=None):
    """Yield the lines of a file, with their line endings."""
    with open_text(path, encoding) as text:
        for _, line in text.enumerate_lines():
            yield line


def _find_suffix(path):
    """Return the suffix of a file in lower case, without that of a compression."""
    is_compressed = path.suffix in (".gz", ".xz")
    return (path.with_suffix("") if is_compressed else path).suffix.lower()


def _read_head(lines):
    """Return the lines up to the first one that is not blank."""
    head = []
    for line in lines:
        head.append(line)
        if line.strip("\r\n"):
            break
    return head
