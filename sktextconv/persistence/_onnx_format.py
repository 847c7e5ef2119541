"""Metadata of an ONNX file: encoder, vocabulary and labels."""

from ..encoding._char import CharEncoder
from ..encoding._document import DocumentEncoder
from ..encoding._word import WordEncoder
from ._format import METADATA_KEY, check_keys

__all__ = ["ENCODERS", "FORMAT", "KEYS", "find_header", "restore_encoder"]

# Version of the file format; increase it when the meaning of a file changes.
FORMAT = 1

KEYS = {  # of the header, each with the type of its value
    "sha256": str,  # checksum of the file with `ZERO_CHECKSUM` in its place
    "format": int,
    "versions": dict,  # of the libraries that wrote it; informative only
    "estimator": str,  # informative only
    "classes": list,
    "dtype": str,  # of the classes
    "encoder": str,
    "settings": dict,  # of the encoder's constructor
    "learnt": dict,  # fitted state of the encoder
}

ENCODERS = {  # with the types of their settings
    CharEncoder: {
        "alphabet": str,
        "max_length": int,
        "lowercase": bool,
        "reverse": bool,
        "keep": str,
        "unknown": bool,
    },
    WordEncoder: {
        "max_tokens": int,
        "min_count": int,
        "max_length": int,
        "keep": str,
        "lowercase": bool,
    },
    DocumentEncoder: {
        "max_tokens": int,
        "min_count": int,
        "max_sentences": int,
        "max_sentence_length": int,
        "lowercase": bool,
    },
}
_METADATA = 14  # field number of metadata_props in ModelProto


def restore_encoder(header):
    """Return the encoder of a header; raise `TypeError` or `ValueError` if invalid."""
    known = {kind.__name__: kind for kind in ENCODERS}
    if header["encoder"] not in known:
        raise ValueError(
            f"Expected one of {', '.join(known)}, got {header['encoder']!r}."
        )
    kind, settings = known[header["encoder"]], header["settings"]
    check_keys(settings, ENCODERS[kind])
    for name, value in settings.items():
        if type(value) is int and not 1 <= value <= 2**53:
            raise ValueError(f"Expected {name} from 1 to 2**53, got {value}.")
    if settings.get("keep", "end") not in ("start", "end"):
        raise ValueError(f"Expected keep 'start' or 'end', got {settings['keep']!r}.")
    return kind(**settings).set_state(**header["learnt"])


def find_header(data):
    """Return start and end of the header in the bytes of a file."""
    for number, start, end in _fields(data, 0, len(data)):
        if number != _METADATA:
            continue
        # Field 1 of an entry is its key, field 2 its value.
        entry = {n: bounds for n, *bounds in _fields(data, start, end)}
        if entry.keys() == {1, 2} and data[slice(*entry[1])] == METADATA_KEY.encode():
            return entry[2]
    raise ValueError(f"Expected ONNX metadata with the key {METADATA_KEY!r}.")


def _fields(data, at, end):
    """Yield number, start and end of each length-delimited field of a message."""
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            if size > end - at:
                raise ValueError("Expected more bytes: the file is truncated.")
            yield tag >> 3, at, at + size
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("Expected the fields of an ONNX file.")


def _varint(data, at):
    """Return a variable-length integer and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ValueError("Expected an integer of 64 bits.")
