"""Web page: content, highlighted words, escaping."""

import html
import re

import pytest

from sktextconv import make_tfidf_classifier
from sktextconv.inspection._highlight import contrast
from sktextconv.serving import create_app

from .clients import FORM, LABELS, TEXTS, Client, ConstantClassifier, paste

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
    assert re.search(r"<h2[^>]*>(neg|pos) <small>[\d.]+ %</small></h2>", answer)
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


def titles(page):
    return re.search(r"<title>(.*?)</title>", page)[1]


def test_page_compares_models(bow, client):
    """The page shows the result of each model, with classes in the same order."""
    tfidf = make_tfidf_classifier().fit(TEXTS, LABELS)
    named = {"first": bow, "<b>": tfidf}
    with Client(create_app(named)) as several:
        answer = paste(several, "so good, too long").text
    assert titles(answer) == "first, &lt;b&gt;"
    sections = re.findall("<section.*?</section>", answer, re.S)
    for section, model in zip(sections, named.values(), strict=True):
        (probabilities,) = model.predict_proba(["so good, too long"])
        row = dict(zip(bow.classes_, probabilities, strict=True))
        best = max(row, key=row.get)
        assert re.search(rf"<h2[^>]*>{best} <small>{100 * row[best]:.1f} %", section)
        shown = re.findall(r"<th[^>]*>(\w+)</th>.*?>([\d.]+) %<", section, re.S)
        assert dict(shown) == {label: f"{100 * row[label]:.1f}" for label in row}
        assert 'class="highlighted"' in section
    orders = [re.findall(r"<th[^>]*>(\w+)</th>", section) for section in sections]
    assert orders[0] == orders[1]


def test_page_is_titled_with_name(bow, client):
    """The title is the name of the model, or its class if it has none."""
    assert titles(client.get("/").text) == "Pipeline"
    with Client(create_app({"films": bow})) as named:
        page = named.get("/").text
        assert titles(page) == "films"
        kind = "NGramVectorizer + CountScaler + LogisticRegression"
        assert f"{kind}, 2 classes" in page
        assert titles(paste(named, "so good").text) == "films"


def test_page_offers_examples(bow):
    """A click on an example, a button without a script, sends its whole text."""
    examples = ["so good\nand <b>so</b> long ", "a fine film " * 50, "x" * 5000]
    app = create_app(bow, examples=[*examples, examples[0]], max_characters=1000)
    with Client(app) as client:
        page = client.get("/").text
        buttons = re.findall(r'<button name="text" value="(.*?)"', page, re.S)
        assert list(map(html.unescape, buttons)) == examples[:2]
        answer = paste(client, html.unescape(buttons[0])).text
        assert "<h2" in answer
        assert re.findall(r'value="([^"]*)"[^>]* aria-current="true"', answer) == [
            buttons[0]
        ]
        longest = max(re.findall("<button.*?>([^<]*)</button>", page), key=len)
        assert len(longest) < 200
    with Client(create_app(bow)) as client:
        assert "<button name" not in client.get("/").text


def test_examples_of_models_are_default():
    first, second = ConstantClassifier([0, 1]), ConstantClassifier([0, 1])
    first.examples_, second.examples_ = ["one", "two"], ["two", "three"]
    models = {"a": first, "b": second}
    for examples, expected in ((None, ["one", "two", "three"]), ([], [])):
        with Client(create_app(models, examples=examples)) as client:
            page = client.get("/").text
        assert re.findall(r'<button name="text" value="(.*?)"', page) == expected


def test_page_has_bars_for_all_classes():
    """The page shows bars of all classes, those of unlikely ones on request."""
    labels = [f"label {number:04}" for number in range(1100)]
    for n_classes, n_folded in ((12, 0), (13, 1), (1100, 988)):
        classifier = ConstantClassifier(labels[:n_classes])
        with Client(create_app(classifier, examples=["so good"])) as client:
            answer = paste(client, "so good").text
        visible, _, folded = answer.partition("<details>")
        assert visible.count('<td class="bar">') == 12
        assert folded.count('<td class="bar">') == n_folded
        assert ("100 more classes are less likely" in answer) == (n_classes > 1000)
