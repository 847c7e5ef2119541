"""Decoding of text files: compression, byte-order marks, encodings."""

import codecs
import contextlib
import functools
import gzip
import io
import itertools
import lzma
import re
import sys
import zlib
from pathlib import Path

from ._compressed import open_compressed

__all__ = ["TextFile", "open_text"]

_STDIN = Path("-")
_CHUNK_SIZE = 2**18  # bytes
_DAMAGED = (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error)

# Byte-order marks and the codecs that read them. The first match counts.
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8"),
)
# Bytes that are NUL, among the first four, in encodings without a byte-order mark.
_NULS = {
    (0, 1, 0, 1): "utf-16-le",
    (1, 0, 1, 0): "utf-16-be",
    (0, 1, 1, 1): "utf-32-le",
    (1, 1, 1, 0): "utf-32-be",
}
_NOT_TEXT = {
    b"PK\3\4": "a zip or Excel file; save it as CSV",
    b"\x1f\x8b": "a gzip file; give it a name that ends in .gz",
    b"\xfd7zX": "an xz file; give it a name that ends in .xz",
    b"PAR1": "a Parquet file; give it a name that ends in .parquet, uncompressed",
}
# Encodings to suggest. In texts of Western Europe most letters are ASCII, so that other
# bytes seldom follow each other.
_WESTERN = ("cp1252", "latin-1")
_OTHERS = ("gb18030", "shift_jis", "euc_kr", "cp1251")
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")

# This character marks undecodable bytes; strict decoders of UTF never return it.
_UNDECODABLE = "\udcff"
codecs.register_error("sktextconv.mark", lambda error: (_UNDECODABLE, error.end))


@contextlib.contextmanager
def open_text(path, encoding=None):
    """Open a file, plain, ``.gz`` or ``.xz``, as a `TextFile`.

    Errors of decoding and decompression inside the context become `ValueError` with the
    file and the line.

    Parameters
    ----------
    path : pathlib.Path
        The file; ``-`` is the standard input, which stays open.
    encoding : str, default=None
        Name of the encoding. None takes that of the byte-order mark, or UTF-8.

    Raises
    ------
    ValueError
        If there is no such encoding, the byte-order mark is of another one, or the file
        does not contain text.
    """
    file = TextFile(path, encoding)
    with contextlib.ExitStack() as stack:
        try:
            file.open(stack)
            yield file
        except UnicodeDecodeError as error:
            raise ValueError(file.describe_undecodable(error)) from None
        except _DAMAGED as error:
            raise ValueError(
                f"{path}, after line {file.count_lines()}: expected a whole "
                f"{path.suffix} file, got: {error}; copy or download it again."
            ) from error


class TextFile:
    """Decoded lines of a file.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    encoding : str or None
        Requested encoding.
    lines : iterator of str
        Lines with their line endings.
    codec : str
        Name of the encoding in use.
    delimiter : str or None
        Delimiter in use, if the file is a delimited one.
    count_lines : callable
        Function that returns the number of lines read, for error messages.
    """

    def __init__(self, path, encoding):
        self.path, self.encoding = path, encoding
        self.delimiter = None
        self.count_lines = lambda: 0

    def open(self, stack, errors="strict"):
        """Open the file until `stack` is closed."""
        data = _open_bytes(self.path, stack)
        head = _read_head(data)
        self.codec = self._find_codec(head)
        # The codec "utf-8-sig" skips a byte-order mark.
        name = "utf-8-sig" if self.codec == "utf-8" else self.codec
        data = _Prefixed(head, data)
        self.lines = io.TextIOWrapper(data, name, errors=errors, newline="")

    def enumerate_lines(self, head=()):
        """Yield the number, from 1, and the text of each line.

        `head` are the lines that were already read.
        """
        number = 0
        self.count_lines = lambda: max(number, len(head))
        for line in itertools.chain(head, self.lines):
            number += 1
            yield number, line

    def describe_undecodable(self, error):
        """Return the message about a byte that is not in the encoding."""
        where = f"after line {self.count_lines()}"
        suggestions = []
        if self.path.is_file():
            where = f"line {self._first_undecodable_line()}"
            suggestions = _suggest_encodings(self.path, self.codec)
        remedy = "pass the encoding of the file, such as encoding='cp1252'"
        if suggestions:
            names = " or ".join(f"encoding={name!r}" for name in suggestions)
            remedy = f"pass {names}, which can read this file"
        elif suggestions is None:
            remedy = "other lines are in UTF-8, so repair or remove this one"
        expected = self.codec.upper() if self.codec.startswith("utf") else self.codec
        return (
            f"{self.path}, {where}: expected {expected}, got the byte "
            f"0x{error.object[error.start]:02x}; {remedy}, or save the file as UTF-8."
        )

    def _first_undecodable_line(self):
        with contextlib.ExitStack() as stack:
            self.open(stack, errors="sktextconv.mark")
            for number, line in enumerate(self.lines, 1):
                if _UNDECODABLE in line:
                    return number
        return "unknown"

    def _find_codec(self, head):
        """Return the name of the codec of a file with these first bytes."""
        for magic, found in _NOT_TEXT.items():
            if head.startswith(magic):
                raise ValueError(f"{self.path}: expected text, got {found}.")
        mark = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        nuls = tuple(int(byte == 0) for byte in head[:4])
        if self.encoding is None:
            # The first two characters of all formats are ASCII.
            if mark is None and nuls in _NULS:
                raise ValueError(
                    f"{self.path}, line 1: expected UTF-8, got the byte 0x00; pass "
                    f"encoding={_NULS[nuls]!r}, or save the file as UTF-8."
                )
            return mark or "utf-8"
        codec = _check_encoding(self.encoding)
        if mark is None and codec in ("utf-16", "utf-32"):
            raise ValueError(
                f"{self.path}: expected the byte-order mark of {codec.upper()}, got "
                f"none; pass encoding={_NULS.get(nuls, 'utf-8')!r}."
            )
        if mark is None:
            return codec
        if not codec.startswith(mark):
            raise ValueError(
                f"{self.path}: expected {codec}, got the byte-order mark of "
                f"{mark.upper()}; pass encoding={mark!r}, or no encoding."
            )
        return mark


class _Prefixed(io.BufferedIOBase):
    """Stream of some bytes, followed by those of another stream."""

    def __init__(self, head, rest):
        self._head, self._rest = head, rest

    def readable(self):
        return True

    def read1(self, size=-1):
        head, self._head = self._head, b""
        return head or self._rest.read1(size)


def _open_bytes(path, stack):
    """Return a stream of the decompressed bytes."""
    if path == _STDIN:
        return sys.stdin.buffer
    is_compressed = path.suffix in (".gz", ".xz")
    return stack.enter_context(
        open_compressed(path) if is_compressed else path.open("rb")
    )


def _read_head(data):
    """Return the first four bytes or more, or fewer at the end of the file."""
    head = b""
    while len(head) < 4 and (more := data.read1(4 - len(head))):
        head += more
    return head


def _check_encoding(encoding):
    """Return the standard name of an encoding of texts."""
    try:
        codec = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), codec)  # rejects "hex", "zip" and their like
    except (LookupError, TypeError, ValueError):
        raise ValueError(
            "Expected encoding to be the name of an encoding, such as 'cp1252', got "
            f"{encoding!r}."
        ) from None
    return codec


def _suggest_encodings(path, failed):
    """Return the likely encodings that can read a whole file.

    Return None if most of the file is UTF-8 nevertheless.
    """
    names = {"utf-8", *_WESTERN, *_OTHERS} - {failed}
    decoders = {name: codecs.getincrementaldecoder(name)() for name in names}
    n_bytes = n_runs = n_utf8 = 0
    with contextlib.ExitStack() as stack:
        data = _open_bytes(path, stack)
        for chunk in iter(functools.partial(data.read, _CHUNK_SIZE), b""):
            for run in _NOT_ASCII.findall(chunk):
                n_bytes, n_runs = n_bytes + len(run), n_runs + 1
                n_utf8 += _is_utf8(run)
            _drop_failing(decoders, chunk)
        _drop_failing(decoders, b"", final=True)
    if "utf-8" in decoders:
        return ["utf-8"]
    if n_utf8 > n_runs / 2:
        return None
    if n_bytes < 2 * n_runs:
        return [name for name in _WESTERN if name in decoders][:1]
    return [name for name in _OTHERS if name in decoders]


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _drop_failing(decoders, chunk, final=False):
    for name, decoder in list(decoders.items()):
        try:
            decoder.decode(chunk, final)
        except UnicodeDecodeError:
            del decoders[name]
