"""Encoders and ids that fits to equal texts share in a folder."""

import functools
import hashlib
import os
import pickle

import numpy as np
from joblib import Memory, wrap_non_picklable_objects
from sklearn.base import clone

from .. import __version__

__all__ = ["encode_once", "fit_encoder_once", "open_memory"]

_TEXTS_PER_UPDATE = 10_000  # of the hash, in one piece of memory


def open_memory(estimator):
    """Return the parameter `memory` of an estimator as a `joblib.Memory` or None.

    Raises
    ------
    ValueError
        If the folder cannot be written.
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
    return _cached(_fit, memory)(encoder, texts)


def encode_once(encoder, texts, memory):
    """Return the ids of texts, encoded unless an equal encoder has done so."""
    return _cached(_encode, memory)(encoder, texts)


def _cached(function, memory):
    if memory is None:
        return functools.partial(function, key=None)
    # joblib would hash the texts one by one.
    call = memory.cache(function, ignore=["texts"])

    def cached(encoder, texts):
        # joblib hashes the encoder with the name of its tokenizer: here is the code, if
        # it is that of a notebook or script, where it may change.
        code = pickle.dumps(wrap_non_picklable_objects(clone(encoder)))
        try:
            return call(encoder, texts, (__version__, code, _hash(texts)))
        except pickle.PicklingError as error:
            raise ValueError(
                f"The 'memory' parameter must be None for {encoder}, which cannot be "
                "pickled. A tokenizer can be if it is a function with a name at the "
                "top of a module."
            ) from error

    return cached


def _fit(encoder, texts, key):
    return encoder.fit(texts)


def _encode(encoder, texts, key):
    return encoder._encode(texts)


def _hash(texts):
    found = hashlib.blake2b(digest_size=16)
    for start in range(0, len(texts), _TEXTS_PER_UPDATE):
        part = list(texts[start : start + _TEXTS_PER_UPDATE])
        found.update(np.array([*map(len, part)]).tobytes())
        found.update("".join(part).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
