"""Export of fitted networks to ONNX files."""

import json

import numpy as np

from ..utils._optional_dependencies import require
from ._format import KEY, ZERO_CHECKSUM, check_classes, parse, write_with_checksum
from ._onnx_format import _ENCODERS, _FORMAT, _find_header, _restore_encoder

__all__ = ["export_onnx"]


_MAX_BYTES = 2**31 - 1  # of a file of ONNX


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

    from ._header import check_network, versions
    from ._onnx_graph import make_graph
    from ._safetensors import check_finite

    check_network(estimator)
    encoder, classes = estimator.encoder_, estimator.classes_
    check_classes(classes.tolist(), classes.dtype.str)
    network = estimator.net_.module_
    check_finite({name: w.cpu().numpy() for name, w in network.state_dict().items()})
    header = {
        "sha256": ZERO_CHECKSUM,
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
    write_with_checksum(path, data, data.index(ZERO_CHECKSUM.encode(), start))
