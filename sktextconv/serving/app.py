"""The application: a page for people, an interface for programs."""

import contextlib
import json
from typing import Annotated
from urllib.parse import parse_qsl

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.middleware.trustedhost import TrustedHostMiddleware

from .batching import Busy, Worker
from .guard import HEADERS, Guard
from .page import Page, explain_text

__all__ = ["make_app"]

_OWN_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_FORM = "application/x-www-form-urlencoded"

_SOON = {"Retry-After": "1"}  # seconds

# A character is 12 bytes at most, as JSON and as a form; some are for what is around.
_BYTES_PER_CHARACTER, _BYTES_AROUND = 12, 4096


class Prediction(BaseModel):
    """What is said of a text."""

    label: str | bool | int | float
    probabilities: list[float] = Field(description="In the order of `classes`.")


class Predictions(BaseModel):
    """What is said of some texts."""

    classes: list[str | bool | int | float]
    predictions: list[Prediction]


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str


def make_app(
    classifier, *, allowed_hosts, max_characters, max_texts, max_batch, max_waiting
):
    """Return the application; see `create_app` for the parameters."""
    worker = Worker(
        classifier.predict_proba, max_batch=max_batch, max_waiting=max_waiting
    )
    page = Page(classifier, max_characters=max_characters)

    @contextlib.asynccontextmanager
    async def lifespan(app):
        async with worker:
            yield

    app = FastAPI(
        title="sktextconv",
        description=f"{page.name}, {len(classifier.classes_)} classes.",
        version="1",  # of the interface
        lifespan=lifespan,
        docs_url=None,  # whose scripts come from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.add_middleware(
        TrustedHostMiddleware,
        allowed_hosts=[*_OWN_HOSTS, *allowed_hosts],
        www_redirect=False,
    )
    app.add_middleware(
        Guard, max_body=_BYTES_PER_CHARACTER * max_characters + _BYTES_AROUND
    )
    _answer_errors(app)
    _answer_programs(
        app,
        worker,
        classifier.classes_.tolist(),
        max_characters=max_characters,
        max_texts=max_texts,
    )
    _answer_people(app, worker, classifier, page, max_characters=max_characters)
    return app


def _answer_errors(app):
    @app.exception_handler(Busy)
    async def put_off(request, error):
        return _json({"detail": "Busy. Try again later."}, 503, _SOON)

    @app.exception_handler(Exception)
    async def fail(request, error):
        # It goes out past the guard.
        return _json({"detail": "Internal error; see the server's log."}, 500, HEADERS)


def _answer_programs(app, worker, labels, *, max_characters, max_texts):
    expected = (
        f'Expected JSON of the form {{"texts": ["...", "..."]}}, with 1 to {max_texts} '
        f"texts of valid Unicode and of at most {max_characters:,} characters "
        "together, sent with Content-Type: application/json."
    )
    Texts = create_model(
        "Texts",
        __config__=ConfigDict(extra="forbid", strict=True),
        texts=Annotated[
            list[Annotated[str, Field(max_length=max_characters)]],
            Field(min_length=1, max_length=max_texts, examples=[["so good"]]),
        ],
    )
    problems = {
        413: "Too large",
        422: "Not what was expected",
        503: "Too many requests wait",
    }

    @app.exception_handler(RequestValidationError)
    async def refuse(request, error):
        # FastAPI's own answer repeats what came, and fails on a half of a character.
        return _json({"detail": expected}, 422)

    @app.post(
        "/v1/predict",
        response_model=Predictions,
        responses={
            status: {"model": Problem, "description": why}
            for status, why in problems.items()
        },
    )
    async def predict(request: Texts):
        """Return the label and the probabilities of some texts."""
        if sum(map(len, request.texts)) > max_characters:
            return _json({"detail": expected}, 422)
        found = await worker.predict(request.texts)
        predictions = [
            {"label": labels[np.argmax(row)], "probabilities": row.tolist()}
            for row in found
        ]
        return _json({"classes": labels, "predictions": predictions})

    @app.get("/healthz")
    async def tell_health():
        """Return status 200 as long as texts can be predicted."""
        if worker.is_alive:
            return _json({"status": "ok"})
        return _json({"status": "stopped"}, 503)


def _answer_people(app, worker, classifier, page, *, max_characters):
    @app.get("/", include_in_schema=False)
    async def show():
        return HTMLResponse(page.render())

    @app.get("/style.css", include_in_schema=False)
    async def style():
        return Response(page.style, media_type="text/css")

    @app.post("/", include_in_schema=False)
    async def show_answer(request: Request):
        text = _read_form(request.headers.get("content-type", ""), await request.body())
        if text is None:
            problem = f"Expected a form of type {_FORM} with a field named text."
            return HTMLResponse(page.render(problem=problem), 422)
        if len(text) > max_characters:
            problem = f"Expected at most {max_characters:,} characters."
            return HTMLResponse(page.render(problem=problem), 422)
        try:
            (row,) = await worker.predict([text])
            attribution = await worker.run(explain_text, classifier, text, row)
        except Busy:
            problem = "Too many others are waiting. Please try again."
            answer = page.render(text=text, problem=problem)
            return HTMLResponse(answer, 503, _SOON)
        return HTMLResponse(page.render(text=text, row=row, attribution=attribution))


def _json(value, status=200, headers=None):
    # ASCII alone: a label may hold half of a character, which UTF-8 cannot write.
    return Response(
        json.dumps(value, allow_nan=False, separators=(",", ":")),
        status,
        headers,
        media_type="application/json",
    )


def _read_form(content_type, body):
    """Return the text of a form, as it was typed, or None."""
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
