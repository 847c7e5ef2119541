"""Encoders and ids that fits to equal texts share in a folder."""

import functools
import hashlib
import importlib.metadata
import os
import sys

import numpy as np
from joblib import Memory

from .. import __version__

__all__ = ["encode_once", "fit_encoder_once", "open_memory"]

_TEXTS_PER_UPDATE = 10_000  # of the hash, in one piece of memory
# NLTK splits sentences, and Python knows letters.
_VERSIONS = (__version__, importlib.metadata.version("nltk"), sys.version)


def open_memory(estimator):
    """Return the parameter `memory` of an estimator as a `joblib.Memory` or None.

    Raises
    ------
    ValueError
        If there is no such folder and it cannot be made.
    """
    memory = estimator.memory
    if not isinstance(memory, (str, os.PathLike)):
        return memory
    try:
        # Ids are mapped from a file, so that all processes hold them once. Copied on
        # write, since torch wants arrays that it could write to.
        return Memory(memory, mmap_mode="c", verbose=0)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The 'memory' parameter of {type(estimator).__name__} must be None, a "
            "joblib.Memory or the path of a folder that can be written. Got "
            f"{str(memory)!r}, which fails with: {error}."
        ) from error


def fit_encoder_once(encoder, texts, memory):
    """Fit an encoder to texts, unless an equal one was; return the fitted encoder.

    Parameters
    ----------
    encoder : encoder that is not fitted
    texts : sequence of str
    memory : joblib.Memory or None
        None always fits it.
    """
    return _cached(_fit, encoder, texts, memory)


def encode_once(encoder, texts, memory):
    """Return the ids of texts, encoded unless an equal encoder has done so."""
    return _cached(_encode, encoder, texts, memory)


def _cached(function, encoder, texts, memory):
    call = functools.partial(function, encoder, _Texts(texts))
    if memory is None or not _is_own(encoder):
        return call(None)
    cached = memory.cache(function, ignore=["texts"])
    try:
        return cached(encoder, _Texts(texts), (*_VERSIONS, _hash(texts)))
    except (KeyError, OSError):  # joblib warned that it could not write the result
        return call(None)


def _is_own(encoder):
    """Return whether all code of an encoder is that of this package.

    Other code may change, and joblib would not see it.
    """
    package = __name__.partition(".")[0]
    is_ours = type(encoder).__module__.partition(".")[0] == package
    return is_ours and not callable(getattr(encoder, "tokenizer", None))


class _Texts:
    """Texts that joblib does not print with the call."""

    def __init__(self, texts):
        self.texts = texts

    def __repr__(self):
        return f"{len(self.texts)} texts"


def _fit(encoder, texts, key):
    return encoder.fit(texts.texts)


def _encode(encoder, texts, key):
    return encoder._encode(texts.texts)


def _hash(texts):
    # joblib would hash the texts one by one.
    found = hashlib.blake2b(digest_size=16)
    for start in range(0, len(texts), _TEXTS_PER_UPDATE):
        part = list(texts[start : start + _TEXTS_PER_UPDATE])
        found.update(np.array([*map(len, part)]).tobytes())
        found.update("".join(part).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
