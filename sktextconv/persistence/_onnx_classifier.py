"""Prediction from ONNX files, without torch."""

import functools
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..encoding._char_coverage import warn_if_outside
from ..encoding._char_tokenizer import CharTokenizer
from ..encoding._document_tokenizer import DocumentTokenizer
from ..encoding._ragged import SENTENCE_END
from ..utils._optional_dependencies import require
from ..utils.validation import check_texts
from ._format import (
    OPTIONAL_KEYS,
    check_classes,
    check_format,
    check_keys,
    file_size,
    format_errors,
    parse_json,
    restore_attributes,
    verify_checksum,
)
from ._onnx_format import FORMAT, KEYS, find_header, restore_tokenizer

__all__ = ["OnnxClassifier"]

_BATCH_SIZE = 64  # texts
# Maximum length in a batch, in ids: _RATIO times the shortest length plus _MARGIN.
_RATIO, _MARGIN = 1.1, 4

# Bounds the memory of ids; the result does not depend on it.
_CHUNK_SIZE = 2**14


class OnnxClassifier:
    """Classifier that runs a network written by `export_onnx`, without torch.

    The metadata of the file are checked before use; onnxruntime checks and runs the
    graph. Besides it, only NumPy is needed (and NLTK for a `HANClassifier`).

    Parameters
    ----------
    path : str or path-like
        The file.
    n_jobs : int, default=None
        Threads; -1 takes all cores, None leaves onnxruntime's setting.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    estimator_name : str
        The class of the network that was exported.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    ModelFormatError
        If the file is damaged, or not written by `export_onnx`. It is a
        `ValueError`.
    OSError
        If the file cannot be read; `FileNotFoundError` if it is missing.

    See Also
    --------
    export_onnx : Writes the file; with an example.

    Examples
    --------
    >>> from sktextconv import OnnxClassifier
    >>> OnnxClassifier("no-such-model.onnx")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-model.onnx'
    """

    def __init__(self, path: str | os.PathLike, *, n_jobs: int | None = None) -> None:
        runtime = require("onnxruntime", by="OnnxClassifier", extra="onnx")
        path = Path(path)
        errors = functools.partial(format_errors, path, writer="sktextconv.export_onnx")
        with errors("it is not a file"):
            file_size(path)
        data = path.read_bytes()
        with errors("it has no header of sktextconv"):
            start, end = find_header(data)
            header = parse_json(data[start:end].decode())
            verify_checksum(
                path,
                header.get("sha256"),
                lambda file, checksum: data.index(checksum, start),
            )
        with errors("its format is unknown", "Update sktextconv."):
            check_format(header, FORMAT)
        with errors("its header is invalid"):
            check_keys(header, KEYS, OPTIONAL_KEYS)
            self.classes_ = check_classes(header["classes"], header["dtype"])
            self.estimator_name = header["estimator"]
            self._tokenizer = restore_tokenizer(header)
            vars(self).update(restore_attributes(header))
        options = runtime.SessionOptions()
        # Log nothing: errors are raised.
        options.log_severity_level = 4
        if n_jobs is not None:
            options.intra_op_num_threads = max(int(n_jobs), 0)
        # Without this, idle threads would busy-wait.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The error types of onnxruntime have only Exception in common.
        with errors("its graph is invalid", also=(Exception,)):
            self._session = runtime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            self._check_graph()

    def predict_proba(self, X: Collection[str]) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1.
        """
        texts = check_texts(X, required_by=type(self).__name__)
        if isinstance(self._tokenizer, CharTokenizer):
            warn_if_outside(self._tokenizer, texts, stacklevel=3)
        probabilities = np.empty((len(texts), len(self.classes_)))
        for first in range(0, len(texts), _CHUNK_SIZE):
            ragged = self._tokenizer.encode(texts[first : first + _CHUNK_SIZE])
            for rows in _length_batches(np.diff(ragged.offsets), _BATCH_SIZE):
                probabilities[first + rows] = self._run([ragged[row] for row in rows])
        return probabilities

    def predict(self, X: Collection[str]) -> np.ndarray:
        """Return the most probable class of each text.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Labels of the type of `classes_`.
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _run(self, rows):
        by_sentence = isinstance(self._tokenizer, DocumentTokenizer)
        inputs = _pad_sentences(rows) if by_sentence else {"ids": _pad(rows)}
        return self._session.run(["probabilities"], inputs)[0]

    def _check_graph(self):
        """Run the graph once with the largest id and check its output."""
        last = self._tokenizer.n_tokens - 1
        found = self._run([np.array([last], dtype=np.int64)])
        if found.shape != (1, len(self.classes_)) or found.dtype != np.float64:
            raise ValueError(
                f"Expected probabilities of {len(self.classes_)} classes, got "
                f"{found.dtype} of shape {found.shape}."
            )
        if not (found >= 0).all() or abs(found.sum() - 1) > 1e-6:
            raise ValueError(f"Expected probabilities, got {found[0].tolist()}.")


def _length_batches(lengths, max_size):
    """Yield batches of row numbers of texts of similar length."""
    if len(lengths) == 1:
        # The general path takes longer than a small network.
        yield np.zeros(1, dtype=np.int64)
        return
    order = np.argsort(lengths, kind="stable")
    sizes, start = lengths[order], 0
    while start < len(order):
        # Padding costs as much as text: a single batch of texts of mixed lengths took
        # twice as long as predicting them one by one.
        longest = sizes[start] * _RATIO + _MARGIN
        end = min(np.searchsorted(sizes, longest, side="right"), start + max_size)
        yield order[start:end]
        start = end


def _pad_sentences(rows):
    """Return the padded ids of each sentence and the sentence index of each text."""
    ids = np.concatenate(rows).astype(np.int64)
    ends = np.flatnonzero(ids == SENTENCE_END)
    sentences = [part[part != SENTENCE_END] for part in np.split(ids, ends)]
    counts = [np.count_nonzero(row == SENTENCE_END) for row in rows]
    texts = np.split(np.arange(1, len(ends) + 1), np.cumsum(counts)[:-1])
    # The part after the last mark is not a sentence; without any, pass an empty one.
    return {
        "words": _pad(sentences[:-1] or sentences),
        "sentences": _pad(texts),
    }


def _pad(rows):
    """Return ids padded with zeros to the longest row, of length 1 at least."""
    if len(rows) == 1 and len(rows[0]):
        return rows[0].astype(np.int64)[None]
    lengths = np.array([len(row) for row in rows])
    padded = np.zeros((len(rows), max(lengths.max(), 1)), dtype=np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return padded
