"""Web server for fitted classifiers: a page and a JSON API."""

import functools
import ipaddress
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..persistence._load import load_model
from ..utils._optional_dependencies import require
from ..utils._param_validation import Count, Range, accepts

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sklearn.base import BaseEstimator

    from ..persistence import OnnxClassifier

    _Model = BaseEstimator | OnnxClassifier

__all__ = ["create_app", "serve"]

_PORT = Annotated[int, Range(0, 65_535, closed="both")]


def create_app(
    classifier: "_Model | Mapping[str, _Model]",
    *,
    examples: Sequence[str] | None = None,
    allowed_hosts: Sequence[str] = (),
    max_characters: int = 100_000,
    max_texts: int = 64,
    max_batch: int = 64,
    max_waiting: int = 256,
    metrics: bool = False,
) -> "FastAPI":
    """Create a FastAPI application that serves one or more classifiers.

    Its routes are a page at ``/`` with a form for a text, the JSON API ``POST
    /v1/predict``, described in ``/openapi.json``, ``GET /healthz``, which returns 200
    while the application runs, and ``GET /readyz``, which returns 200 when each
    classifier has made a first prediction. The page shows the predictions of several
    classifiers side by side. Texts are neither stored nor logged.

    Parameters
    ----------
    classifier : fitted classifier, OnnxClassifier, or dict of str to classifier
        Any text classifier with `predict_proba`. A dict has several ones by name; a
        single one has its class as name.
    examples : sequence of str, default=None
        Texts that the page offers to select. None takes `examples_` of the classifiers,
        if they have it.
    allowed_hosts : sequence of str, default=()
        Host names that requests may be addressed to, besides those of the local
        machine. "*.example.com" allows all subdomains, "*" any name.
    max_characters : int, default=100_000
        Maximum number of characters of all texts of a request together.
    max_texts : int, default=64
        Maximum number of texts of a request.
    max_batch : int, default=64
        Maximum number of texts predicted together, from all waiting requests; 1
        predicts one request at a time.
    max_waiting : int, default=256
        Maximum number of waiting requests; further ones get status 503.
    metrics : bool, default=False
        Whether ``GET /metrics`` returns metrics for Prometheus: requests, their time,
        texts, batches and waiting requests. Everybody who reaches the application can
        read them. If prometheus_client is in multiprocess mode, they are sums over all
        processes.

    Returns
    -------
    app : fastapi.FastAPI

    Raises
    ------
    ImportError
        If FastAPI or Jinja is not installed, or, with `metrics`, prometheus_client.
    TypeError
        If a classifier is not a fitted classifier with `predict_proba`, or a name or an
        example is not a str.
    ValueError
        If there is no classifier, or a host name or a limit is invalid.

    See Also
    --------
    serve : Loads a file and runs the application.

    Examples
    --------
    >>> from sktextconv import make_bow_classifier
    >>> from sktextconv.serving import create_app
    >>> texts = ["a fine film", "so good", "what a bore", "too long"]
    >>> classifier = make_bow_classifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> app = create_app(classifier, allowed_hosts=["films.example"])
    >>> sorted(app.openapi()["paths"])
    ['/healthz', '/readyz', '/v1/predict']
    """
    _require_modules(metrics, by="create_app")
    from .app import make_app

    models = _check_models(classifier)
    if examples is None:
        saved = [getattr(each, "examples_", ()) for each in models.values()]
        examples = [text for texts in saved for text in texts]
    _check_strings("examples", examples)
    limits = {
        "max_characters": max_characters,
        "max_texts": max_texts,
        "max_batch": max_batch,
        "max_waiting": max_waiting,
    }
    _check_counts(limits)
    return make_app(
        models,
        examples=list(dict.fromkeys(examples)),
        allowed_hosts=_check_hosts(allowed_hosts),
        metrics=metrics,
        **limits,
    )


def serve(
    path: str | os.PathLike | Sequence[str | os.PathLike],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_hosts: Sequence[str] = (),
    max_characters: int = 100_000,
    device: str = "cpu",
    workers: int = 1,
    metrics: bool = False,
) -> None:
    """Load models and serve them until a stop signal.

    By default only programs on the same machine can reach the server. It has no
    authentication and no encryption: for remote access, put a reverse proxy in front of
    it that has both. After a stop signal, it finishes the requests in progress, for up
    to ten seconds, while ``/readyz`` and further requests get status 503.

    Parameters
    ----------
    path : str or path-like, or sequence of these
        File written by `save` or, if its name ends in ``.onnx``, by `export_onnx`. A
        model is named after its file, without the suffix; the page shows several models
        side by side.
    host : str, default="127.0.0.1"
        Address to listen on; "0.0.0.0" is all addresses.
    port : int, default=8000
        Port to listen on; 0 takes a free one.
    allowed_hosts : sequence of str, default=()
        Host names that requests may be addressed to, as in `create_app`.
    max_characters : int, default=100_000
        Maximum number of characters of all texts of a request together.
    device : str, default="cpu"
        Device of the networks, as in `load`; for an ONNX file only "cpu".
    workers : int, default=1
        Number of processes that serve the port. Each loads the models and has the
        limits of `create_app`; they share the cores. One that ends is started again.
        With more than 1, a script must call this function under
        ``if __name__ == "__main__":``, because the processes import it.
    metrics : bool, default=False
        Whether ``/metrics`` returns metrics for Prometheus, as in `create_app`, summed
        over the worker processes, which store them in a temporary folder.

    Raises
    ------
    ImportError
        If a package is not installed.
    ModelFormatError
        If a file is damaged, or not written by `save` or `export_onnx`.
    OSError
        If a file cannot be read.
    RuntimeError
        If a worker process cannot load the models; the reason is in the log.
    SystemExit
        If the address is not available.
    ValueError
        If there is no file, if the device is not available, or if a host name, the port
        or a limit is invalid.

    See Also
    --------
    create_app : Creates the application, to run it in another server.
    """
    if not accepts(_PORT, port):
        raise ValueError(f"Expected port to be an int from 0 to 65535, got {port!r}.")
    require("uvicorn", by="serve", extra="serve")
    _require_modules(metrics, by="serve")
    _check_counts({"max_characters": max_characters, "workers": workers})
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    if not paths:
        raise ValueError("Expected at least one file, got none.")
    hosts = (*_check_hosts(allowed_hosts), *_host_names(host))
    from .workers import run

    make = functools.partial(
        _make_app,
        paths,
        device=device,
        allowed_hosts=_check_hosts(hosts),
        max_characters=max_characters,
        metrics=metrics,
    )
    if workers > 1:
        for each in paths:  # the most frequent error, before any process starts
            Path(each).open("rb").close()
    run(make, host=host, port=port, workers=workers, metrics=metrics)


def _make_app(paths, *, device, n_jobs=None, **options):
    """Load models and return their application for `serve`."""
    from .readiness import GracefulStop

    app = create_app(_load_models(paths, device, n_jobs=n_jobs), **options)
    return GracefulStop(app)


def _load_models(paths, device, *, n_jobs=None):
    """Return the models of files by name."""
    stems = Counter(Path(each).stem for each in paths)
    return {
        # Files of the same name in different folders are named with the folder.
        Path(each).stem if stems[Path(each).stem] == 1 else str(each): load_model(
            each, device=device, n_jobs=n_jobs
        )
        for each in paths
    }


def _require_modules(metrics, *, by):
    """Raise `ImportError` if a package of the server is missing."""
    for module in ("fastapi", "jinja2", *(["prometheus_client"] if metrics else [])):
        require(module, by=by, extra="serve")


def _check_counts(counts):
    """Raise `ValueError` unless all values are positive ints."""
    for name, value in counts.items():
        if not accepts(Count, value):
            raise ValueError(f"Expected {name} to be an int of 1 or more, got {value}.")


def _check_models(classifier):
    """Return classifiers by name, or raise `TypeError` or `ValueError`."""
    from ..inspection._attribution import check_classifier
    from ..inspection._highlight import to_printable

    if isinstance(classifier, Mapping):
        models = dict(classifier)
    else:
        name = getattr(classifier, "estimator_name", type(classifier).__name__)
        models = {name: classifier}
    if not models:
        raise ValueError("Expected at least one classifier, got none.")
    _check_strings("names of classifiers", list(models))
    for each in models.values():
        check_classifier(each, ["predict_proba"])
    # A name may come from a file whose name is not valid Unicode.
    return {to_printable(name): model for name, model in models.items()}


def _check_strings(name, strings):
    """Raise `TypeError` unless it is a sequence of str."""
    for each in [None] if isinstance(strings, str) else strings:
        if not isinstance(each, str):
            got = "one str" if isinstance(strings, str) else type(each).__name__
            raise TypeError(f"Expected {name} to be a list of str, got {got}.")


def _check_hosts(names):
    """Return host names as a tuple, or raise `ValueError`."""
    for name in [names] if isinstance(names, str) else names:
        if isinstance(names, str) or not re.fullmatch(r"\*|(\*\.)?[^*\s/]+", name):
            raise ValueError(
                "Expected allowed_hosts to be a sequence of names such as "
                f"'example.com', '*.example.com' or '*', got {name!r}."
            )
    return tuple(names)


def _host_names(host):
    """Return the name in the Host header for an address, unless it means all."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return (host,)
    if address.is_unspecified:
        return ()
    return (f"[{address}]" if address.version == 6 else str(address),)
