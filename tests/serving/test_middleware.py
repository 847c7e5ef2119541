"""Limits of requests, security headers and host names."""

import asyncio

import pytest

from sktextconv.serving import create_app

from .clients import CSP, LIMIT, Client, paste, predict


@pytest.mark.parametrize("path", ["/", "/v1/predict"])
def test_large_body_is_rejected(path, client):
    """A body over the limit is rejected with any or no Content-Length."""
    size = 12 * LIMIT + 4096

    async def in_parts():
        for _ in range(size // 1000 + 1):
            yield b"a" * 1000

    for body in (b"a" * (size + 1), in_parts()):
        response = client.post(path, content=body)
        assert response.status_code == 413
        assert response.json() == {
            "detail": f"Expected a body of at most {size:,} bytes."
        }
        assert response.headers["connection"] == "close"
    headers = {"Content-Length": "9" * 5000}
    assert client.post(path, content=b"", headers=headers).status_code == 413
    headers = {"Content-Length": b"\xb2"}  # a digit that is not decimal
    assert client.post(path, content=b"", headers=headers).status_code == 422


def test_longest_text_fits_into_body(client):
    text = "\U0001f600" * LIMIT
    assert predict(client, text).status_code == 200
    assert paste(client, text).status_code == 200
    assert paste(client, text + "a").status_code == 422


def test_slow_body_times_out(bow, monkeypatch):
    monkeypatch.setattr("sktextconv.serving.middleware._BODY_SECONDS", 0)

    async def never_done():
        yield b"a"
        await asyncio.Event().wait()

    with Client(create_app(bow)) as client:
        assert client.post("/v1/predict", content=never_done()).status_code == 408


def test_cross_site_request_is_rejected(client):
    for site, status in (
        ("same-origin", 200),
        ("none", 200),
        ("same-site", 403),
        ("cross-site", 403),
    ):
        headers = {"Sec-Fetch-Site": site}
        assert paste(client, "so good", **headers).status_code == status
        body = {"texts": ["so good"]}
        api = client.post("/v1/predict", json=body, headers=headers)
        assert api.status_code == status
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_every_response_has_security_headers(client):
    responses = [
        client.get("/"),
        client.get("/style.css"),
        client.get("/none"),
        client.get("/", headers={"Host": "evil.example"}),
        paste(client, "so good"),
        predict(client),
        client.post("/", content=b"a" * 20_000),
        client.post("/", headers={"Sec-Fetch-Site": "cross-site"}),
        client.run(lambda http: http.put("/")),
    ]
    for response in responses:
        assert response.headers["content-security-policy"] == CSP
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("a.films.example", 200),
        ("evil.example", 400),
        ("films.example.evil.example", 400),
        ("", 400),
    ],
)
def test_allowed_hosts(host, status, client):
    assert client.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("names", ["a.example", ["a*b"], ["*a"], [""], ["a/b"]])
def test_invalid_allowed_hosts(names, bow):
    with pytest.raises(ValueError, match="Expected allowed_hosts to be a sequence"):
        create_app(bow, allowed_hosts=names)
