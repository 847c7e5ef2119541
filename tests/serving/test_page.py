"""Web page: content, highlighted words, escaping."""

import html
import re

import pytest

from sktextconv.inspection._highlight import contrast
from sktextconv.serving import create_app

from .clients import FORM, Client, paste

HOSTILE = [
    "<script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "\u202ertl \u2066isolate",
    "&lt;b&gt;",
    "\n\nlines\nof it",
    "nul \0 and bell \a",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_page_escapes_text(text, client):
    response = paste(client, f"so good {text}")
    assert response.status_code == 200
    tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z]+)", response.text)}
    assert not tags & {"script", "img", "b", "iframe", "style"}
    for tag in re.findall(r"<[a-zA-Z][^>]*>", response.text):
        assert not re.search(r"\s(on\w+|style|srcdoc)\s*=", re.sub('"[^"]*"', "", tag))
    area = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", response.text, re.S)[1]
    shown = f"so good {text}".replace("\0", "\ufffd").replace("\a", "\ufffd")
    assert html.unescape(area) == shown
    words = re.search(r'<div class="words"[^>]*>(.*?)</div>', response.text, re.S)[1]
    assert html.unescape(re.sub("<[^>]+>", "", words)) == shown


def test_page_shows_prediction_and_weights(client):
    answer = paste(client, "so good, too long").text
    assert re.search(r"<h2[^>]*>(neg|pos)</h2>", answer)
    assert len(re.findall(r'<td class="number">[\d.]+ %</td>', answer)) == 2
    assert re.search(r'<span class="for\d+" title="\+[\d.]+">', answer)
    assert re.search(r'<span class="against\d+" title="-[\d.]+">', answer)
    sentences = re.findall('class="bar weight"', answer)
    assert not sentences


def test_page_shows_attention(han):
    """The page of a hierarchical network highlights words and weights sentences."""
    with Client(create_app(han)) as client:
        text = "So good! It is too long, though. And what a film it is!"
        answer = paste(client, text).text
    n_sentences = len(han.encoder_.spans(text))
    assert n_sentences > 1
    assert len(re.findall('class="bar weight"', answer)) == n_sentences
    assert "high attention" in answer
    assert "against" not in answer


def test_page_of_long_text_has_no_weights(bow):
    with Client(create_app(bow)) as client:
        answer = paste(client, "good " * 300).text
    assert "<h2" in answer
    assert "up to 256 words" in answer
    assert 'class="highlighted"' not in answer


def test_highlight_colors_are_readable(client):
    """The style sheet has every highlight color, with sufficient contrast."""
    response = client.get("/style.css")
    assert response.headers["content-type"].startswith("text/css")
    assert "http" not in response.text
    assert "url(" not in response.text
    rules = re.findall(
        r"\.(\w+) \{ background: #(\w{6}); color: #(\w{6}); \}", response.text
    )
    names = {f"{name}{step}" for name in ("for", "against") for step in range(1, 11)}
    assert sorted(name for name, *_ in rules) == sorted([*names, *names])
    for _, *colors in rules:
        assert contrast(*(tuple(bytes.fromhex(color)) for color in colors)) > 4.5


def test_invalid_form_is_rejected(client):
    for kind in ("text/plain", "multipart/form-data; boundary=a", "application/json"):
        headers = {"Content-Type": kind}
        response = client.post("/", content=b"text=a", headers=headers)
        assert response.status_code == 422
        assert "Expected a form" in response.text
    for body in (b"", b"other=a", b"&" * 99 + b"text=a", b"text=\xff"):
        assert client.post("/", content=body, headers=FORM).status_code == 422
