"""FastAPI application with page routes and API routes."""

import asyncio
import contextlib
import json
import logging
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.middleware.trustedhost import TrustedHostMiddleware

from .batching import BusyError, Worker
from .metrics import Metrics, MetricsMiddleware
from .middleware import HEADERS, RETRY_HEADERS, SecurityMiddleware
from .page import Page, explain_text
from .readiness import Readiness

__all__ = ["make_app"]

_LOGGER = logging.getLogger(__name__)

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_FORM = "application/x-www-form-urlencoded"

# Maximum size of a body: a character has at most 12 bytes in JSON and in a form.
_BYTES_PER_CHARACTER, _BODY_OVERHEAD = 12, 4096


class Prediction(BaseModel):
    """Prediction for one text."""

    label: str | bool | int | float
    probabilities: list[float] = Field(description="In the order of `classes`.")


class Predictions(BaseModel):
    """Predictions for the texts of a request."""

    classes: list[str | bool | int | float]
    predictions: list[Prediction]


class Problem(BaseModel):
    """Error message."""

    detail: str


def make_app(
    models,
    *,
    examples,
    max_characters,
    max_texts,
    max_batch,
    max_waiting,
    allowed_hosts,
    metrics,
):
    """Create the application; `create_app` documents the parameters.

    Parameters
    ----------
    models : dict of str to classifier
    """
    metrics = Metrics() if metrics else None
    worker = Worker(max_batch=max_batch, max_waiting=max_waiting, metrics=metrics)
    readiness = Readiness()
    text = examples[0] if examples else " "
    page = Page(models, examples=examples, max_characters=max_characters)

    @contextlib.asynccontextmanager
    async def lifespan(app):
        async with worker:
            task = asyncio.create_task(_warm_up(worker, models, text, readiness))
            yield
            task.cancel()

    app = FastAPI(
        title="sktextconv",
        description=" ".join(f"{each.name}: {each.summary}." for each in page.models),
        version="1",  # of the API
        lifespan=lifespan,
        # The documentation pages of FastAPI load scripts from other sites.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.add_middleware(
        TrustedHostMiddleware,
        allowed_hosts=[*_LOCAL_HOSTS, *allowed_hosts],
        www_redirect=False,
    )
    app.add_middleware(
        SecurityMiddleware,
        max_body=_BYTES_PER_CHARACTER * max_characters + _BODY_OVERHEAD,
        readiness=readiness,
    )
    app.state.readiness = readiness
    _add_error_handlers(app)
    _add_api_routes(
        app, worker, models, max_characters=max_characters, max_texts=max_texts
    )
    _add_state_routes(app, worker, readiness)
    _add_page_routes(app, worker, models, page, max_characters=max_characters)
    if metrics is not None:
        _add_metrics(app, metrics)
    return app


async def _warm_up(worker, models, text, readiness):
    """Predict a text with each model, before any request, and set the readiness."""

    def predict():
        for model in models.values():
            model.predict_proba([text])

    try:
        await worker.run(predict)
    except Exception:
        _LOGGER.exception("The first prediction failed; the server is not ready.")
        readiness.finish_start(failed=True)
    else:
        readiness.finish_start(failed=False)


def _add_error_handlers(app):
    @app.exception_handler(BusyError)
    async def handle_busy(request, error):
        return _json({"detail": "Busy. Try again later."}, 503, RETRY_HEADERS)

    @app.exception_handler(Exception)
    async def handle_error(request, error):
        # This response bypasses the middleware, which adds the headers.
        return _json({"detail": "Internal error; see the server's log."}, 500, HEADERS)


def _add_api_routes(app, worker, models, *, max_characters, max_texts):
    expected = (
        f'Expected JSON of the form {{"texts": ["...", "..."]}}, with 1 to {max_texts} '
        f"texts of valid Unicode and of at most {max_characters:,} characters "
        "together, sent with Content-Type: application/json."
    )
    fields = {
        "texts": Annotated[
            list[Annotated[str, Field(max_length=max_characters)]],
            Field(min_length=1, max_length=max_texts, examples=[["so good"]]),
        ]
    }
    default = next(iter(models))
    if len(models) > 1:
        names = ", ".join(map(json.dumps, models))
        expected += f' The key "model" selects one of {names}; the first by default.'
        fields["model"] = (Literal[*models], default)
    Texts = create_model(
        "Texts", __config__=ConfigDict(extra="forbid", strict=True), **fields
    )
    errors = {
        413: "Body too large",
        422: "Invalid body",
        503: "Too many waiting requests",
    }

    @app.exception_handler(RequestValidationError)
    async def handle_invalid(request, error):
        # FastAPI's default response repeats the input and fails on lone surrogates.
        return _json({"detail": expected}, 422)

    @app.post(
        "/v1/predict",
        response_model=Predictions,
        responses={
            status: {"model": Problem, "description": description}
            for status, description in errors.items()
        },
    )
    async def predict(request: Texts, http: Request):
        """Return the label and the class probabilities of each text."""
        http.state.n_texts = len(request.texts)
        if sum(map(len, request.texts)) > max_characters:
            return _json({"detail": expected}, 422)
        classifier = models[getattr(request, "model", default)]
        labels = classifier.classes_.tolist()
        probabilities = await worker.predict(classifier.predict_proba, request.texts)
        predictions = [
            {"label": labels[np.argmax(row)], "probabilities": row.tolist()}
            for row in probabilities
        ]
        return _json({"classes": labels, "predictions": predictions})


def _add_state_routes(app, worker, readiness):
    @app.get("/healthz")
    async def health():
        """Return status 200 while the server runs."""
        if worker.is_alive:
            return _json({"status": "ok"})
        return _json({"status": "stopped"}, 503)

    @app.get("/readyz")
    async def ready():
        """Return status 200 from the first prediction to a stop signal, else 503."""
        is_ready = worker.is_alive and readiness.status == "ready"
        return _json({"status": readiness.status}, 200 if is_ready else 503)


def _add_metrics(app, metrics):
    @app.get("/metrics", include_in_schema=False)
    async def show_metrics():
        content, media_type = metrics.render()
        return Response(content, media_type=media_type)

    routes = {
        f"{method} {route.path}" for route in app.routes for method in route.methods
    }
    # The last middleware is the outermost: it sees the rejected requests as well.
    app.add_middleware(MetricsMiddleware, metrics=metrics, routes=routes)


def _add_page_routes(app, worker, models, page, *, max_characters):
    @app.get("/", include_in_schema=False)
    async def page_form():
        return HTMLResponse(page.render())

    @app.get("/style.css", include_in_schema=False)
    async def page_style():
        return Response(page.style, media_type="text/css")

    @app.post("/", include_in_schema=False)
    async def page_result(request: Request):
        text = _read_form(request.headers.get("content-type", ""), await request.body())
        if text is None:
            error = f"Expected a form of type {_FORM} with a field named text."
            return HTMLResponse(page.render(error=error), 422)
        if len(text) > max_characters:
            error = f"Expected at most {max_characters:,} characters."
            return HTMLResponse(page.render(error=error), 422)
        request.state.n_texts = 1
        results = []
        try:
            for classifier in models.values():
                (row,) = await worker.predict(classifier.predict_proba, [text])
                attribution = await worker.run(explain_text, classifier, text, row)
                results.append((row, attribution))
        except BusyError:
            error = "The server is busy. Please try again."
            content = page.render(text=text, error=error)
            return HTMLResponse(content, 503, RETRY_HEADERS)
        return HTMLResponse(page.render(text=text, results=results))


def _json(value, status=200, headers=None):
    """Return a JSON response in ASCII."""
    # json.dumps escapes non-ASCII: labels may have lone surrogates, invalid in UTF-8.
    return Response(
        json.dumps(value, allow_nan=False, separators=(",", ":")),
        status,
        headers,
        media_type="application/json",
    )


def _read_form(content_type, body):
    """Return the text field of a form with line feeds only, or None if invalid."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        return None
    try:
        fields = dict(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="replace",
                max_num_fields=4,
            )
        )
    except ValueError:
        return None
    text = fields.get("text")
    return None if text is None else text.replace("\r\n", "\n")
