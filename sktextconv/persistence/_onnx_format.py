"""Metadata of an ONNX file: encoder, vocabulary and labels."""

from ..encoding._char_tokenizer import CharTokenizer
from ..encoding._document_tokenizer import DocumentTokenizer
from ..encoding._word_tokenizer import WordTokenizer
from ._format import METADATA_KEY, check_keys

__all__ = [
    "FORMAT",
    "KEYS",
    "find_header",
    "find_settings",
    "restore_tokenizer",
]

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
    "settings": dict,  # parameters of the encoder
    "learnt": dict,  # fitted state of the encoder
}

_TOKENIZERS = {  # by the name of the encoder
    "CharEncoder": CharTokenizer,
    "WordEncoder": WordTokenizer,
    "DocumentEncoder": DocumentTokenizer,
}

_SETTINGS = {  # with their types, by the name of the encoder
    "CharEncoder": {
        "alphabet": str,
        "max_length": int,
        "lowercase": bool,
        "reverse": bool,
        "keep": str,
        "unknown": bool,
    },
    "WordEncoder": {
        "max_tokens": int,
        "min_count": int,
        "max_length": int,
        "keep": str,
        "lowercase": bool,
    },
    "DocumentEncoder": {
        "max_tokens": int,
        "min_count": int,
        "max_sentences": int,
        "max_sentence_length": int,
        "lowercase": bool,
    },
}
# Settings that are written if they differ from the default.
_OPTIONAL = {"WordEncoder": {"tokenizer": str}}
_METADATA = 14  # field number of metadata_props in ModelProto


def find_settings(encoder, tokenizer):
    """Return the settings of a tokenizer for the header, by the name of its encoder."""
    settings = {name: getattr(tokenizer, name) for name in _SETTINGS[encoder]}
    for name in _OPTIONAL.get(encoder, ()):
        if getattr(tokenizer, name) is not None:
            settings[name] = getattr(tokenizer, name)
    return settings


def restore_tokenizer(header):
    """Return the tokenizer of a header; raise `TypeError` or `ValueError` if invalid.

    It encodes texts as the encoder of the network does, without scikit-learn.
    """
    encoder, settings = header["encoder"], header["settings"]
    if encoder not in _TOKENIZERS:
        raise ValueError(f"Expected one of {', '.join(_TOKENIZERS)}, got {encoder!r}.")
    check_keys(settings, _SETTINGS[encoder], _OPTIONAL.get(encoder, {}))
    for name, value in settings.items():
        if type(value) is int and not 1 <= value <= 2**53:
            raise ValueError(f"Expected {name} from 1 to 2**53, got {value}.")
    if settings.get("keep", "end") not in ("start", "end"):
        raise ValueError(f"Expected keep 'start' or 'end', got {settings['keep']!r}.")
    if settings.get("tokenizer", "keras") != "keras":
        raise ValueError(f"Expected 'keras', got {settings['tokenizer']!r}.")
    return _TOKENIZERS[encoder](**settings).set_state(**header["learnt"])


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
