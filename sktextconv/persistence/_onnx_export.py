"""Export of fitted networks to ONNX files."""

import json
import os
from typing import TYPE_CHECKING

import numpy as np

from ..utils._optional_dependencies import require
from ._format import (
    METADATA_KEY,
    ZERO_CHECKSUM,
    check_classes,
    check_finite,
    describe_attributes,
    parse_json,
    write_with_checksum,
)
from ._onnx_format import FORMAT, find_header, find_settings, restore_tokenizer
from ._safetensors import kind_of

if TYPE_CHECKING:
    from ..base import BaseTextNetClassifier

__all__ = ["export_onnx"]

_MAX_BYTES = 2**31 - 1  # of an ONNX file


def export_onnx(estimator: "BaseTextNetClassifier", path: str | os.PathLike) -> None:
    """Write a fitted network to an ONNX file, for prediction without torch.

    Parameters
    ----------
    estimator : classifier
        A fitted network, such as a `CharCNNClassifier`. It is not changed.
    path : str or path-like
        The file; an existing one is replaced. Any name is accepted; ``.onnx`` is
        usual.

    Raises
    ------
    ImportError
        If onnx or onnxscript is not installed.
    TypeError
        If `estimator` is not such a classifier, if it has a callable `tokenizer`, or if
        a label is not JSON-serializable.
    sklearn.exceptions.NotFittedError
        If `estimator` is not fitted.
    ValueError
        If a weight is not finite, or the file would have 2 GiB or more.
    OSError
        If the file cannot be written. An existing file is then unchanged.

    See Also
    --------
    OnnxClassifier : Reads the file.
    sktextconv.save : Saves a network that can be trained further.

    Notes
    -----
    The graph takes padded ids, int64 of shape (batch, length), both of any size, as
    ``ids``. That of a `HANClassifier` takes the ids of one sentence per row as
    ``words``, and the row numbers of the sentences of each text, counted from 1 and
    padded with zeros, as ``sentences``. It returns float64 ``probabilities`` of shape
    (batch, n_classes), computed in float32 whatever `precision` was.

    The metadata of the file hold, as JSON, the encoder with its settings and
    vocabulary, the labels, `columns_` and `examples_` if the estimator has them (see
    `save`), and a SHA-256 checksum of the file, computed with zeros in place of its own
    64 digits.

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
    kind = kind_of(type(estimator).__name__).name
    if kind != "network":
        raise TypeError(
            f"Expected a network, got a linear {kind}. Save it with sktextconv.save: "
            "prediction from that file needs no PyTorch."
        )
    for module in ("onnx", "onnxscript"):
        require(module, by="export_onnx", extra="onnx")
    import onnx
    import torch

    from ._header import versions
    from ._network import check_network
    from ._onnx_graph import make_graph

    check_network(estimator)
    classes = estimator.classes_
    encoder = type(estimator.encoder_).__name__
    tokenizer = estimator.encoder_._tokenizer
    check_classes(classes.tolist(), classes.dtype.str)
    network = estimator.net_.module_
    check_finite({name: w.cpu().numpy() for name, w in network.state_dict().items()})
    header = {
        "sha256": ZERO_CHECKSUM,
        "format": FORMAT,
        "versions": versions(np, torch, onnx),
        "estimator": type(estimator).__name__,
        "classes": classes.tolist(),
        "dtype": classes.dtype.str,
        "encoder": encoder,
        "settings": find_settings(encoder, tokenizer),
        "learnt": tokenizer.get_state(),
    }
    header |= describe_attributes(estimator)
    text = json.dumps(header, allow_nan=False, separators=(",", ":"))
    # Fail here rather than write an unreadable file.
    restore_tokenizer(parse_json(text))
    model = make_graph(network)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, text
    if model.ByteSize() > _MAX_BYTES:
        raise ValueError(
            f"Expected a network of less than 2 GiB, got {model.ByteSize():,} bytes. "
            "Set a lower max_tokens, or save it with sktextconv.save."
        )
    data = model.SerializeToString(deterministic=True)
    start, _ = find_header(data)
    write_with_checksum(path, data, data.index(ZERO_CHECKSUM.encode(), start))
