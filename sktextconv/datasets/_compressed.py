"""Reading of compressed files with a limit on the decompressed size."""

import functools
import gzip
import io
import lzma

__all__ = ["max_bytes", "open_compressed"]

# Limits against decompression bombs. Real texts are compressed by a factor of 3 to 10.
_MAX_RATIO = 100
_ALWAYS_ALLOWED = 10**9  # bytes

_CHUNK_SIZE = 2**18  # bytes


def max_bytes(path):
    """Return the number of bytes that may be read from a compressed file."""
    return max(_ALWAYS_ALLOWED, _MAX_RATIO * path.stat().st_size)


def open_compressed(path):
    """Open a ``.gz`` or ``.xz`` file to read the decompressed bytes.

    Concatenated files are read as one.

    Raises
    ------
    ValueError
        From reading, if it holds more than `max_bytes`.
    EOFError, OSError, zlib.error, lzma.LZMAError
        From reading, if it is truncated or damaged.
    """
    return io.BufferedReader(_DecompressedStream(path), _CHUNK_SIZE)


class _DecompressedStream(io.RawIOBase):
    """Raw stream of decompressed bytes, with a limit on their number."""

    def __init__(self, path):
        self._path = path
        self._max_bytes = self._n_left = max_bytes(path)
        self._file = path.open("rb")
        self._chunks = _READERS[path.suffix](self._file)
        self._chunk = memoryview(b"")

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self._chunk:
            try:
                self._chunk = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        size = min(len(buffer), len(self._chunk))
        buffer[:size], self._chunk = self._chunk[:size], self._chunk[size:]
        self._n_left -= size
        if self._n_left < 0:
            raise ValueError(
                f"{self._path}: expected at most {self._max_bytes:,} bytes in a "
                "compressed file of that size, got more; if this is intended, "
                "decompress it first."
            )
        return size

    def close(self):
        self._file.close()
        super().close()


def _read_gz(file):
    return iter(functools.partial(gzip.GzipFile(fileobj=file).read, _CHUNK_SIZE), b"")


def _read_xz(file):
    # LZMAFile stops silently at a damaged stream after the first one.
    data = file.read(_CHUNK_SIZE)
    while data:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        yield decompressor.decompress(data, _CHUNK_SIZE)
        while not decompressor.eof:
            data = file.read(_CHUNK_SIZE) if decompressor.needs_input else b""
            if decompressor.needs_input and not data:
                raise EOFError("it ends before its end-of-stream marker")
            yield decompressor.decompress(data, _CHUNK_SIZE)
        data = decompressor.unused_data or file.read(_CHUNK_SIZE)
        while data and not (data := data.lstrip(b"\0")):  # padding
            data = file.read(_CHUNK_SIZE)


_READERS = {".gz": _read_gz, ".xz": _read_xz}
