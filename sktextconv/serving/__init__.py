"""A fitted classifier as a web page and an HTTP interface."""

import contextlib
import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..utils._optional_dependencies import require
from ..utils._param_validation import Count, accepts

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sklearn.base import BaseEstimator

    from ..persistence import OnnxClassifier

__all__ = ["create_app", "serve"]

_GRACE = 10  # seconds that requests have to end once the server is told to stop
_CONNECTIONS = 256  # at a time; a server that has more answers 503


def create_app(
    classifier: "BaseEstimator | OnnxClassifier",
    *,
    allowed_hosts: Sequence[str] = (),
    max_characters: int = 100_000,
    max_texts: int = 64,
    max_batch: int = 64,
    max_waiting: int = 256,
) -> "FastAPI":
    """Return a classifier as a FastAPI application.

    It has a page at ``/`` where one pastes a text, ``POST /v1/predict`` for programs,
    with its description at ``/openapi.json``, and ``GET /healthz``. Texts are neither
    kept nor logged.

    Parameters
    ----------
    classifier : fitted classifier or OnnxClassifier
        Any classifier of texts with `predict_proba`.
    allowed_hosts : sequence of str, default=()
        Host names under which it may be asked, besides those of the machine itself;
        "*.example.com" stands for all below one, "*" for any.
    max_characters : int, default=100_000
        Characters of all texts of a request together.
    max_texts : int, default=64
        Texts of a request.
    max_batch : int, default=64
        Texts that are predicted together, of as many requests as wait; 1 is one request
        at a time.
    max_waiting : int, default=256
        Requests that may wait; others are told to come back, with status 503.

    Returns
    -------
    app : fastapi.FastAPI

    Raises
    ------
    ImportError
        If FastAPI or Jinja is not installed.
    TypeError
        If `classifier` is no fitted classifier with `predict_proba`.
    ValueError
        If a host name or a number is not what it must be.

    See Also
    --------
    serve : The same from a file, on a socket.

    Examples
    --------
    >>> from sktextconv import make_bow_classifier
    >>> from sktextconv.serving import create_app
    >>> texts = ["a fine film", "so good", "what a bore", "too long"]
    >>> classifier = make_bow_classifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> app = create_app(classifier, allowed_hosts=["films.example"])
    >>> sorted(app.openapi()["paths"])
    ['/healthz', '/v1/predict']
    """
    for module in ("fastapi", "jinja2"):
        require(module, by="create_app", extra="serve")
    from ..inspection._attribution import check_classifier
    from .app import make_app

    check_classifier(classifier, ["predict_proba"])
    limits = {
        "max_characters": max_characters,
        "max_texts": max_texts,
        "max_batch": max_batch,
        "max_waiting": max_waiting,
    }
    for name, value in limits.items():
        if not accepts(Count, value):
            raise ValueError(f"Expected {name} to be an int of 1 or more, got {value}.")
    return make_app(classifier, allowed_hosts=_check_hosts(allowed_hosts), **limits)


def serve(
    path: str | os.PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_hosts: Sequence[str] = (),
    max_characters: int = 100_000,
    device: str = "cpu",
) -> None:
    """Serve a model from a file until told to stop.

    By default only programs on the same machine can reach it. It has no passwords and
    no encryption: to let others in, put a server in front of it that has.

    Parameters
    ----------
    path : str or path-like
        A file of `save` or, with a name that ends in ``.onnx``, of `export_onnx`.
    host : str, default="127.0.0.1"
        Address to listen at; "0.0.0.0" is any.
    port : int, default=8000
        0 takes a free one.
    allowed_hosts : sequence of str, default=()
        Host names under which it may be asked, as in `create_app`.
    max_characters : int, default=100_000
        Characters of all texts of a request together.
    device : str, default="cpu"
        Where the network is to compute, as in `load`; of an ONNX file "cpu" alone.

    Raises
    ------
    ImportError
        If a package is not installed.
    ModelFormatError
        If the file is damaged, or none of ours.
    OSError
        If the file cannot be read.
    SystemExit
        If the address is taken.
    ValueError
        If the device cannot be used.

    See Also
    --------
    create_app : The application alone, for another server.
    """
    uvicorn = require("uvicorn", by="serve", extra="serve")
    classifier = load_model(path, device=device)
    app = create_app(
        classifier,
        allowed_hosts=(*allowed_hosts, *_names_of(host)),
        max_characters=max_characters,
    )
    # Earlier releases of uvicorn hand Ctrl-C on when they have ended.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(
            app,
            host=host,
            port=port,
            ws="none",
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE,
        )


def load_model(path, *, device):
    """Return the classifier of a file, without torch where it is one of ONNX."""
    if Path(path).suffix.lower() != ".onnx":
        from ..persistence._safetensors import load

        return load(path, device=device)
    if device not in ("cpu", "auto"):
        raise ValueError(
            f"Expected device='cpu' for a file of ONNX, got {device!r}. Serve the file "
            "that sktextconv.save wrote to compute elsewhere."
        )
    from ..persistence._onnx_classifier import OnnxClassifier

    return OnnxClassifier(path)


def _check_hosts(names):
    for name in [names] if isinstance(names, str) else names:
        if isinstance(names, str) or not re.fullmatch(r"\*|(\*\.)?[^*\s/]+", name):
            raise ValueError(
                "Expected allowed_hosts to be a sequence of names such as "
                f"'example.com', '*.example.com' or '*', got {name!r}."
            )
    return tuple(names)


def _names_of(host):
    """The address as browsers name it, unless it stands for any."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return (host,)
    if address.is_unspecified:
        return ()
    return (f"[{address}]" if address.version == 6 else str(address),)
