"""JSON API: predictions, schema, invalid bodies and errors of the classifier."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sktextconv.serving import create_app

from .clients import (
    CSP,
    FORM,
    LIMIT,
    TEXTS,
    Client,
    ConstantClassifier,
    FailingClassifier,
    paste,
    predict,
)


def test_predict_matches_classifier(client, bow):
    response = predict(client, *TEXTS[:4])
    assert (response.status_code, response.headers["content-type"]) == (
        200,
        "application/json",
    )
    answer = response.json()
    assert answer["classes"] == ["neg", "pos"]
    found = [each["probabilities"] for each in answer["predictions"]]
    assert np.array_equal(found, bow.predict_proba(TEXTS[:4]))
    labels = [each["label"] for each in answer["predictions"]]
    assert labels == bow.predict(TEXTS[:4]).tolist()


@pytest.mark.parametrize(
    "labels", [["\ud800", "é"], [True, False], [-1, 2**60], [0.5, 1.5]], ids=str
)
def test_predict_label_types(labels):
    with Client(create_app(ConstantClassifier(labels))) as client:
        answer = predict(client, "text").json()
        assert answer["classes"] == labels
        assert answer["predictions"][0]["label"] == labels[0]
        assert paste(client, "text").status_code == 200


def test_openapi_schema(client):
    """The schema has all routes and limits, and loads nothing from other sites."""
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {"/v1/predict", "/healthz", "/readyz"}
    operation = schema["paths"]["/v1/predict"]["post"]
    assert {"200", "413", "422", "503"} <= set(operation["responses"])
    texts = schema["components"]["schemas"]["Texts"]["properties"]["texts"]
    assert (texts["minItems"], texts["maxItems"]) == (1, 64)
    assert texts["items"]["maxLength"] == LIMIT
    assert "http" not in json.dumps(schema)  # loads nothing from other sites
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_health(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


BODIES = {  # each with a word that the response must not contain
    "surrogate": b'{"texts": ["secret \\ud800"]}',
    "empty": b"",
    "no json": b"secret",
    "truncated": b'{"texts": ["secret',
    "no utf-8": b'{"texts": ["secret \xff"]}',
    "nan": b"NaN",
    "nested": b"[" * 3000,
    "list": b'["secret"]',
    "string": b'{"texts": "secret"}',
    "no texts": b'{"texts": []}',
    "number": b'{"texts": [1, "secret"]}',
    "null": b'{"texts": [null, "secret"]}',
    "key": b'{"texts": ["a"], "secret": 1}',
    "text": b'{"texts": ["' + b"secret" * 90 + b'"]}',
    "total length": b'{"texts": ["' + b'secret", "' * 60 + b"secret" * 30 + b'"]}',
    "many": b'{"texts": [' + b'"secret", ' * 64 + b'"secret"]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_invalid_body_is_not_repeated(name, client):
    """An invalid body is rejected, and the message does not repeat its content."""
    response = client.post(
        "/v1/predict",
        content=BODIES[name],
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code in (400, 422)
    assert set(response.json()) == {"detail"}
    assert "secret" not in response.text
    if response.status_code == 422:
        assert "1 to 64 texts" in response.json()["detail"]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.binary(max_size=40))
def test_any_text_or_bytes_are_no_server_error(client, bow, texts, data):
    response = predict(client, *texts)
    found = [each["probabilities"] for each in response.json()["predictions"]]
    np.testing.assert_allclose(found, bow.predict_proba(texts), atol=1e-12)
    shown = paste(client, texts[0])
    assert shown.status_code == 200
    shown.content.decode("utf-8")
    for kind in (FORM, {"Content-Type": "application/json"}):
        for path in ("/", "/v1/predict"):
            assert client.post(path, content=data, headers=kind).status_code < 500


def test_classifier_error_has_no_details():
    """An error of the classifier gives status 500 without its message."""
    with Client(create_app(FailingClassifier(["a", "b"]))) as client:
        response = predict(client, "secret")
        assert response.status_code == 500
        assert "secret" not in response.text
        assert response.headers["content-security-policy"] == CSP
        assert client.get("/healthz").status_code == 200


def test_model_is_selected_by_name():
    """With several models, the key "model" selects one; the first is the default."""
    models = {
        "é\ud800": ConstantClassifier(["a", "b"]),
        "other": ConstantClassifier([1, 2, 3]),
    }
    with Client(create_app(models)) as client:
        schema = client.get("/openapi.json").json()["components"]["schemas"]["Texts"]
        assert schema["properties"]["model"]["enum"] == ["é\ufffd", "other"]
        for name, classes in (
            (None, ["a", "b"]),
            ("é\ufffd", ["a", "b"]),
            ("other", [1, 2, 3]),
        ):
            body = {"texts": ["so good"]} | ({"model": name} if name else {})
            assert client.post("/v1/predict", json=body).json()["classes"] == classes
        body = {"texts": ["so good"], "model": "secret"}
        response = client.post("/v1/predict", json=body)
        assert response.status_code == 422
        assert '"other"' in response.json()["detail"]
        assert "secret" not in response.text


def test_key_model_needs_several_models(client):
    body = {"texts": ["so good"], "model": "Pipeline"}
    assert client.post("/v1/predict", json=body).status_code == 422
