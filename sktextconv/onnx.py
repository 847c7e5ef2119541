"""Fitted networks in ONNX files, which predict without torch."""

import functools
import json
from pathlib import Path

import numpy as np

from ._kept import (
    KEY,
    NO_DIGEST,
    check_classes,
    check_digest,
    check_format,
    check_keys,
    parse,
    refusing,
    size_of,
    write_summed,
)
from ._optional import require
from .documents import SENTENCE_END, DocumentEncoder
from .encoding import CharEncoder, WordEncoder
from .text import check_texts

__all__ = ["OnnxClassifier", "export_onnx"]

_FORMAT = 1  # raise it whenever a file would mean something else

_KEYS = {  # of the header, each with the type of its value
    "sha256": str,  # sum of the whole file, with `NO_DIGEST` in its own place
    "format": int,
    "versions": dict,  # of the libraries that wrote it, for people to read
    "estimator": str,  # as well
    "classes": list,
    "dtype": str,  # of the classes
    "encoder": str,
    "settings": dict,  # of the encoder's constructor
    "learnt": dict,  # by the encoder
}

_ENCODERS = {  # and their settings
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

_MAX_BYTES = 2**31 - 1  # of a file of ONNX
_METADATA = 14  # the number of this field of a file

_BATCH_SIZE = 64  # texts that the graph is given at a time
_STRETCH, _CALL = 1.1, 4  # in ids: the longest beside the shortest of a batch

# Bounds the memory of ids; the result does not depend on it.
_PREDICTED_AT_ONCE = 2**14


def export_onnx(estimator, path):
    """Write a fitted network to an ONNX file, which predicts without torch.

    Parameters
    ----------
    estimator : classifier
        A fitted `CharCNNClassifier`, `VDCNNClassifier`, `WordCNNClassifier`,
        `KimCNNClassifier`, `RNNClassifier` or `HANClassifier`. It stays as it is.
    path : str or path-like
        The file, which is replaced if it is there. Any name will do; ``.onnx`` says
        what it is.

    Raises
    ------
    ImportError
        If onnx or onnxscript is not installed.
    TypeError
        If `estimator` is no such classifier, or a label is no plain value.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If a weight is not finite, or the file would have 2 GiB or more.
    OSError
        If the file cannot be written. What was there before is there still.

    See Also
    --------
    OnnxClassifier : Reads the file.
    sktextconv.save : Keeps a network that can be trained on.

    Notes
    -----
    The graph takes padded ids, int64 of shape (batch, length), both of any size, as
    ``ids``. That of a `HANClassifier` takes a row of ``words`` for each sentence, and
    the rows of each text, counted from 1 and with zeros after the last one, as
    ``sentences``. It gives float64 ``probabilities`` of shape (batch, n_classes), in
    float32 inside whatever `precision` was.

    How texts become ids stands in the metadata of the file, as JSON: the encoder, its
    settings and its vocabulary, with the labels and a SHA-256 sum of the file, whose
    own 64 digits are taken for zeros.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sktextconv import KimCNNClassifier, OnnxClassifier, export_onnx
    >>> texts = ["a fine film", "so good", "what a bore", "too long"] * 8
    >>> labels = ["pos", "pos", "neg", "neg"] * 8
    >>> network = KimCNNClassifier(max_epochs=6, batch_size=8, random_state=0)
    >>> network = network.fit(texts, labels)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "films.onnx"
    ...     export_onnx(network, path)
    ...     classifier = OnnxClassifier(path)
    >>> classifier.predict(["so good", "too long"])
    array(['pos', 'neg'], dtype='<U3')
    """
    for module in ("onnx", "onnxscript"):
        require(module, by="export_onnx", extra="onnx")
    import onnx
    import torch

    from ._graph import make_graph
    from ._header import check_network, versions
    from .persistence import check_finite

    check_network(estimator)
    encoder, classes = estimator.encoder_, estimator.classes_
    check_classes(classes.tolist(), classes.dtype.str)
    network = estimator.net_.module_
    check_finite({name: w.cpu().numpy() for name, w in network.state_dict().items()})
    header = {
        "sha256": NO_DIGEST,
        "format": _FORMAT,
        "versions": versions(np, torch, onnx),
        "estimator": type(estimator).__name__,
        "classes": classes.tolist(),
        "dtype": classes.dtype.str,
        "encoder": type(encoder).__name__,
        "settings": {name: getattr(encoder, name) for name in _ENCODERS[type(encoder)]},
        "learnt": encoder.learnt(),
    }
    text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    _restore_encoder(parse(text))  # what cannot be read is not to be written
    model = make_graph(network)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, text
    if model.ByteSize() > _MAX_BYTES:
        raise ValueError(
            f"Expected a network of less than 2 GiB, got {model.ByteSize():,} bytes. "
            "Set a lower max_tokens, or keep it with sktextconv.save."
        )
    data = model.SerializeToString(deterministic=True)
    start, _ = _find_header(data)
    write_summed(path, data, data.index(NO_DIGEST.encode(), start))


class OnnxClassifier:
    """Classify texts with a network that `export_onnx` wrote, without torch.

    All of the file but its graph is checked before any is used; the graph is run by
    onnxruntime, which is all it takes besides NumPy (and NLTK for a `HANClassifier`).

    Parameters
    ----------
    path : str or path-like
        The file.
    n_jobs : int, default=None
        Threads; -1 takes all cores, None leaves onnxruntime's setting.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    estimator_name : str
        The class of the network that was exported.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    ModelFormatError
        If the file is damaged, or none that `export_onnx` wrote. It is a
        `ValueError`.
    OSError
        If the file cannot be read; `FileNotFoundError` if there is none.

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

    def __init__(self, path, *, n_jobs=None):
        runtime = require("onnxruntime", by="OnnxClassifier", extra="onnx")
        path = Path(path)
        unless = functools.partial(refusing, path, writer="sktextconv.export_onnx")
        with unless("it is no file"):
            size_of(path)
        data = path.read_bytes()
        with unless("it has not our header"):
            start, end = _find_header(data)
            header = parse(data[start:end].decode())
            check_digest(
                path,
                header.get("sha256"),
                lambda file, digest: data.index(digest, start),
            )
        with unless("its format is unknown", "Update sktextconv."):
            check_format(header, _FORMAT)
        with unless("its header is not one that was exported"):
            check_keys(header, _KEYS)
            self.classes_ = check_classes(header["classes"], header["dtype"])
            self.estimator_name = header["estimator"]
            self._encoder = _restore_encoder(header)
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # an error is raised, and need not be written
        if n_jobs is not None:
            options.intra_op_num_threads = max(int(n_jobs), 0)
        # Threads that wait for work would otherwise keep their cores busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The runtime has a dozen errors, which only Exception is above.
        with unless("its graph is not one that was exported", also=(Exception,)):
            self._session = runtime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            self._check_graph()

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_documents, n_classes)
            Columns in the order of `classes_`; rows sum to 1.
        """
        texts = check_texts(X, required_by=type(self).__name__)
        found = np.empty((len(texts), len(self.classes_)))
        for first in range(0, len(texts), _PREDICTED_AT_ONCE):
            ragged = self._encoder.encode(texts[first : first + _PREDICTED_AT_ONCE])
            for rows in _like_lengths(np.diff(ragged.offsets), _BATCH_SIZE):
                found[first + rows] = self._run([ragged[row] for row in rows])
        return found

    def predict(self, X):
        """Return the likeliest class of each text.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        labels : ndarray of shape (n_documents,)
            Labels as they were given to `fit`, of the type of `classes_`.
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _run(self, rows):
        by_sentence = isinstance(self._encoder, DocumentEncoder)
        inputs = _lay_out_sentences(rows) if by_sentence else {"ids": _pad(rows)}
        return self._session.run(["probabilities"], inputs)[0]

    def _check_graph(self):
        """Run the graph once, with the largest id there is."""
        last = self._encoder.n_tokens - 1
        found = self._run([np.array([last], dtype=np.int64)])
        if found.shape != (1, len(self.classes_)) or found.dtype != np.float64:
            raise ValueError(
                f"Expected probabilities of {len(self.classes_)} classes, got "
                f"{found.dtype} of shape {found.shape}."
            )
        if not (found >= 0).all() or abs(found.sum() - 1) > 1e-6:
            raise ValueError(f"Expected probabilities, got {found[0].tolist()}.")


def _like_lengths(lengths, most):
    """Yield the rows of texts of like length, up to some at a time."""
    order = np.argsort(lengths, kind="stable")
    sizes, start = lengths[order], 0
    while start < len(order):
        # Padding costs as much as texts do: with the lengths of a request or two, a
        # batch of all took twice as long as the texts one by one.
        longest = sizes[start] * _STRETCH + _CALL
        end = min(np.searchsorted(sizes, longest, side="right"), start + most)
        yield order[start:end]
        start = end


def _restore_encoder(header):
    known = {kind.__name__: kind for kind in _ENCODERS}
    if header["encoder"] not in known:
        raise ValueError(
            f"Expected one of {', '.join(known)}, got {header['encoder']!r}."
        )
    kind, settings = known[header["encoder"]], header["settings"]
    check_keys(settings, _ENCODERS[kind])
    for name, value in settings.items():
        if type(value) is int and not 1 <= value <= 2**53:
            raise ValueError(f"Expected {name} from 1 to 2**53, got {value}.")
    if settings.get("keep", "end") not in ("start", "end"):
        raise ValueError(f"Expected keep of start or end, got {settings['keep']!r}.")
    return kind(**settings).restore(**header["learnt"])


def _lay_out_sentences(rows):
    """Return the ids of each sentence on a row, and the rows of each text."""
    ids = np.concatenate(rows).astype(np.int64)
    ends = np.flatnonzero(ids == SENTENCE_END)
    sentences = [part[part != SENTENCE_END] for part in np.split(ids, ends)]
    counts = [np.count_nonzero(row == SENTENCE_END) for row in rows]
    places = np.split(np.arange(1, len(ends) + 1), np.cumsum(counts)[:-1])
    # What follows the last mark is no sentence; a graph of no text has an empty one.
    return {"words": _pad(sentences[:-1] or sentences), "sentences": _pad(places)}


def _pad(rows):
    """Return ids on rows as long as the longest, of one at least, with zeros after."""
    lengths = np.array([len(row) for row in rows])
    padded = np.zeros((len(rows), max(lengths.max(), 1)), dtype=np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return padded


def _find_header(data):
    """Return where our entry of the metadata of a file starts and ends."""
    for number, start, end in _fields(data, 0, len(data)):
        if number != _METADATA:
            continue
        # Of an entry, 1 is the key and 2 is the value.
        entry = {n: place for n, *place in _fields(data, start, end)}
        if entry.keys() == {1, 2} and data[slice(*entry[1])] == KEY.encode():
            return entry[2]
    raise ValueError(f"Expected metadata of ONNX with the key {KEY!r}.")


def _fields(data, at, end):
    """Yield number, start and end of each field of a message that holds bytes."""
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            if size > end - at:
                raise ValueError("Expected more bytes: the file is cut off.")
            yield tag >> 3, at, at + size
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("Expected the fields of a file of ONNX.")


def _varint(data, at):
    """Return an integer of some 7 bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise ValueError("Expected an integer of 64 bits.")
