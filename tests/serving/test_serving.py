"""The server answers as the classifier does, whatever comes, and runs nothing of it."""

import asyncio
import contextlib
import html
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone

import sktextconv
from sktextconv import HANClassifier, make_bow_classifier, save
from sktextconv.inspection._highlight import contrast
from sktextconv.serving import create_app, load_model, serve
from sktextconv.serving.batching import BusyError, Worker

from ..classifiers import NETWORKS

TEXTS = ["a fine film", "so good", "what a bore", "too long"] * 6
LABELS = np.array(["pos", "pos", "neg", "neg"] * 6)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIMIT = 500  # characters

CSP = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class Client:
    """Asks an application without a socket, one request after the other or many."""

    def __init__(self, app, base_url="http://localhost"):
        self._app, self._base_url = app, base_url

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._runner = self._stack.enter_context(asyncio.Runner())
        lifespan = self._app.router.lifespan_context(self._app)
        self._runner.run(lifespan.__aenter__())
        self._stack.callback(lambda: self._runner.run(lifespan.__aexit__(*[None] * 3)))
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=self._base_url)
        return self

    def __exit__(self, *error):
        self._stack.close()

    def run(self, function):
        """Return what a coroutine function of a client returns."""
        return self._runner.run(function(self._client))

    def get(self, *args, **kwargs):
        return self.run(lambda client: client.get(*args, **kwargs))

    def post(self, *args, **kwargs):
        return self.run(lambda client: client.post(*args, **kwargs))


@pytest.fixture(scope="module")
def bow():
    return make_bow_classifier().fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def client(bow):
    app = create_app(bow, max_characters=LIMIT, allowed_hosts=["*.films.example"])
    with Client(app) as client:
        yield client


@pytest.fixture(scope="module")
def han():
    network = clone(NETWORKS["han"]).set_params(max_epochs=8)
    return network.fit(
        ["So good. A fine film!", "Too long. What a bore."] * 8, [1, 0] * 8
    )


def predict(client, *texts):
    return client.post("/v1/predict", json={"texts": texts})


def paste(client, text, **headers):
    return client.post("/", data={"text": text}, headers=headers)


# -- the interface for programs ------------------------------------------------------


def test_answers_are_those_of_the_classifier(client, bow):
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


class Unlearnt(ClassifierMixin, BaseEstimator):
    """A classifier that is fitted from the start."""

    def fit(self, X, y):
        raise NotImplementedError


class Fixed(Unlearnt):
    """A classifier with any labels, whose first class is the likeliest."""

    def __init__(self, classes):
        self.classes = classes
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.tile(np.arange(len(self.classes_), 0, -1.0), (len(X), 1)) / 3


@pytest.mark.parametrize(
    "labels", [["\ud800", "é"], [True, False], [-1, 2**60], [0.5, 1.5]], ids=str
)
def test_labels_of_any_kind_are_written(labels):
    with Client(create_app(Fixed(labels))) as client:
        answer = predict(client, "text").json()
        assert answer["classes"] == labels
        assert answer["predictions"][0]["label"] == labels[0]
        assert paste(client, "text").status_code == 200


def test_the_interface_describes_itself(client):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {"/v1/predict", "/healthz"}
    operation = schema["paths"]["/v1/predict"]["post"]
    assert {"200", "413", "422", "503"} <= set(operation["responses"])
    texts = schema["components"]["schemas"]["Texts"]["properties"]["texts"]
    assert (texts["minItems"], texts["maxItems"]) == (1, 64)
    assert texts["items"]["maxLength"] == LIMIT
    assert "http" not in json.dumps(schema)  # nothing is fetched from elsewhere
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_health_is_told(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


BODIES = {  # each with a word that must not come back
    "surrogate": b'{"texts": ["secret \\ud800"]}',
    "empty": b"",
    "no json": b"secret",
    "cut": b'{"texts": ["secret',
    "no utf-8": b'{"texts": ["secret \xff"]}',
    "nan": b"NaN",
    "deep": b"[" * 3000,
    "list": b'["secret"]',
    "string": b'{"texts": "secret"}',
    "no texts": b'{"texts": []}',
    "number": b'{"texts": [1, "secret"]}',
    "null": b'{"texts": [null, "secret"]}',
    "key": b'{"texts": ["a"], "secret": 1}',
    "text": b'{"texts": ["' + b"secret" * 90 + b'"]}',
    "together": b'{"texts": ["' + b'secret", "' * 60 + b"secret" * 30 + b'"]}',
    "many": b'{"texts": [' + b'"secret", ' * 64 + b'"secret"]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_refused_and_not_repeated(name, client):
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
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.binary(max_size=40))
def test_no_text_and_no_bytes_are_an_error_of_the_server(client, bow, texts, data):
    response = predict(client, *texts)
    found = [each["probabilities"] for each in response.json()["predictions"]]
    np.testing.assert_allclose(found, bow.predict_proba(texts), atol=1e-12)
    shown = paste(client, texts[0])
    assert shown.status_code == 200
    shown.content.decode("utf-8")
    for kind in (FORM, {"Content-Type": "application/json"}):
        for path in ("/", "/v1/predict"):
            assert client.post(path, content=data, headers=kind).status_code < 500


# -- limits --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1/predict"])
def test_a_body_that_is_too_large_is_refused_however_it_is_sent(path, client):
    size = 12 * LIMIT + 4096

    async def in_parts():
        for _ in range(size // 1000 + 1):
            yield b"a" * 1000
        raise AssertionError("it was read on")

    for body in (b"a" * (size + 1), in_parts()):
        response = client.post(path, content=body)
        assert response.status_code == 413
        assert response.json() == {
            "detail": f"Expected a body of at most {size:,} bytes."
        }
        assert response.headers["connection"] == "close"
    headers = {"Content-Length": "9" * 5000}
    assert client.post(path, content=b"", headers=headers).status_code == 413
    headers = {"Content-Length": b"\xb2"}  # a digit, and no number
    assert client.post(path, content=b"", headers=headers).status_code == 422


def test_any_text_of_the_greatest_length_fits_into_a_body(client):
    text = "\U0001f600" * LIMIT
    assert predict(client, text).status_code == 200
    assert paste(client, text).status_code == 200
    assert paste(client, text + "a").status_code == 422


def test_a_request_that_comes_too_slowly_is_given_up(bow, monkeypatch):
    monkeypatch.setattr("sktextconv.serving.middleware._BODY_SECONDS", 0)

    async def never_done():
        yield b"a"
        await asyncio.Event().wait()

    with Client(create_app(bow)) as client:
        assert client.post("/v1/predict", content=never_done()).status_code == 408


class Gate(Unlearnt):
    """A classifier that waits until it is let go on, and notes what it was asked."""

    def __init__(self):
        self.classes_ = np.array(["a", "b"])
        self.asked, self.entered, self.go_on = [], threading.Event(), threading.Event()

    def predict_proba(self, X):
        self.asked.append(list(X))
        self.entered.set()
        assert self.go_on.wait(20)
        share = np.array([len(text) / 100 for text in X])
        return np.stack([share, 1 - share], axis=1)


def ask_while_it_works(client, gate, texts):
    """Ask for one text and, while that is predicted, for the others."""

    async def ask(asking):
        def one(text):
            if text == "page":
                return asking.post("/", data={"text": text})
            return asking.post("/v1/predict", json={"texts": [text]})

        first = asyncio.create_task(one("first"))
        await asyncio.to_thread(gate.entered.wait, 20)
        others = [asyncio.create_task(one(text)) for text in texts]
        # Those that are turned away are told at once, those that wait are not.
        done = set()
        while len(done) < len(texts) - 3:
            done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        health = await asking.get("/healthz")
        gate.go_on.set()
        return health, [await task for task in (first, *others)]

    return client.run(ask)


def test_more_requests_than_may_wait_are_told_to_come_back():
    gate = Gate()
    app = create_app(gate, max_waiting=3)
    with Client(app) as client:
        health, responses = ask_while_it_works(client, gate, [*"bcdef", "page"])
    assert health.status_code == 200
    codes = [response.status_code for response in responses]
    assert codes == [200] * 4 + [503] * 3
    assert all(each.headers["retry-after"] == "1" for each in responses[-3:])
    assert responses[-2].json() == {"detail": "Busy. Try again later."}
    assert "The server is busy" in responses[-1].text


def test_what_waits_is_predicted_together_and_answered_apart():
    gate = Gate()
    texts = ["b", "cc", "ddd"]
    with Client(create_app(gate, max_batch=2)) as client:
        _, responses = ask_while_it_works(client, gate, texts)
    assert gate.asked == [["first"], ["b", "cc"], ["ddd"]]
    for text, response in zip(["first", *texts], responses, strict=True):
        (prediction,) = response.json()["predictions"]
        assert prediction["probabilities"][0] == len(text) / 100


def test_batches_give_what_single_predictions_give(han):
    texts = [
        "So good.",
        "",
        "Too long! What a film. A bore.",
        "unheard of",
        "A fine",
    ] * 6

    async def ask_all(client):
        def one(text):
            return client.post("/v1/predict", json={"texts": [text]})

        return await asyncio.gather(*map(one, texts))

    with Client(create_app(han)) as client:
        responses = client.run(ask_all)
    found = [each.json()["predictions"][0]["probabilities"] for each in responses]
    expected = [han.predict_proba([text])[0] for text in texts]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_request_that_fails_harms_no_other():
    def fail_at_c(texts):
        if "c" in texts:
            raise MemoryError
        return [text.upper() for text in texts]

    async def main():
        async with Worker(fail_at_c, max_batch=8, max_waiting=3) as worker:
            calls = [worker.predict([text]) for text in "acb"]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert (found[0], type(found[1]), found[2]) == (["A"], MemoryError, ["B"])
            gone = asyncio.create_task(worker.predict(["d"]))
            await asyncio.sleep(0)
            gone.cancel()
            assert await worker.predict("ef") == ["E", "F"]
            with pytest.raises(ZeroDivisionError):
                await worker.run(lambda: 1 / 0)
            assert worker.is_alive
            tasks = [asyncio.create_task(worker.predict("a")) for _ in range(9)]
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert any(isinstance(each, BusyError) for each in found)
        assert not worker.is_alive

    asyncio.run(main())


class Failing(Fixed):
    def predict_proba(self, X):
        raise ValueError(f"secret {X}")


def test_an_error_of_the_classifier_is_told_without_details():
    with Client(create_app(Failing(["a", "b"]))) as client:
        response = predict(client, "secret")
        assert response.status_code == 500
        assert "secret" not in response.text
        assert response.headers["content-security-policy"] == CSP
        assert client.get("/healthz").status_code == 200


# -- the page ------------------------------------------------------------------------

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
def test_a_hostile_text_is_shown_as_it_is(text, client):
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


def test_the_page_shows_label_probabilities_and_words_for_and_against(client):
    answer = paste(client, "so good, too long").text
    assert re.search(r"<h2[^>]*>(neg|pos)</h2>", answer)
    assert len(re.findall(r'<td class="number">[\d.]+ %</td>', answer)) == 2
    assert re.search(r'<span class="for\d+" title="\+[\d.]+">', answer)
    assert re.search(r'<span class="against\d+" title="-[\d.]+">', answer)
    sentences = re.findall('class="bar weight"', answer)
    assert not sentences


def test_sentences_and_words_of_a_hierarchical_network_are_shaded(han):
    with Client(create_app(han)) as client:
        text = "So good! It is too long, though. And what a film it is!"
        answer = paste(client, text).text
    n_sentences = len(han.encoder_.spans(text))
    assert n_sentences > 1
    assert len(re.findall('class="bar weight"', answer)) == n_sentences
    assert "high attention" in answer
    assert "against" not in answer


def test_a_text_of_too_many_words_is_classified_and_not_shaded(bow):
    with Client(create_app(bow)) as client:
        answer = paste(client, "good " * 300).text
    assert "<h2" in answer
    assert "up to 256 words" in answer
    assert 'class="highlighted"' not in answer


def test_every_shade_of_the_page_is_in_its_style_and_easy_to_read(client):
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


def test_a_form_of_another_kind_is_refused(client):
    for kind in ("text/plain", "multipart/form-data; boundary=a", "application/json"):
        headers = {"Content-Type": kind}
        response = client.post("/", content=b"text=a", headers=headers)
        assert response.status_code == 422
        assert "Expected a form" in response.text
    for body in (b"", b"other=a", b"&" * 99 + b"text=a", b"text=\xff"):
        assert client.post("/", content=body, headers=FORM).status_code == 422


def test_requests_from_other_sites_are_refused(client):
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


def test_every_answer_carries_the_headers(client):
    responses = [
        client.get("/"),
        client.get("/style.css"),
        client.get("/none"),
        client.get("/", headers={"Host": "evil.example"}),
        paste(client, "so good"),
        predict(client),
        client.post("/", content=b"a" * 20_000),
        client.post("/", headers={"Sec-Fetch-Site": "cross-site"}),
        client.run(lambda asking: asking.put("/")),
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
def test_only_known_hosts_are_answered(host, status, client):
    assert client.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("names", ["a.example", ["a*b"], ["*a"], [""], ["a/b"]])
def test_host_names_are_checked(names, bow):
    with pytest.raises(ValueError, match="Expected allowed_hosts to be a sequence"):
        create_app(bow, allowed_hosts=names)


def test_what_cannot_be_served_is_refused(bow):
    with pytest.raises(TypeError, match="Expected a fitted classifier"):
        create_app("model.onnx")
    with pytest.raises(ValueError, match="Expected max_texts to be an int of 1"):
        create_app(bow, max_texts=0)


@pytest.mark.parametrize(
    ("module", "make"),
    [("fastapi", create_app), ("jinja2", create_app), ("uvicorn", serve)],
)
def test_serving_says_which_extra_it_needs(module, make, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}, .*\[serve\]"):
        make("model.onnx")


# -- on a socket ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(han, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "model.safetensors"
    save(han, path)
    return path


@contextlib.contextmanager
def running(path, *, prelude="", arguments=()):
    """The command `serve` in a process of its own; yields it and its address."""
    script = f"{prelude}\nimport sys; from sktextconv.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "serve", path, *arguments, "--port", "0"]
    process = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True
    )
    try:
        for line in process.stderr:
            if found := re.search(r"running on (http://[\d.]+:\d+)", line):
                break
        else:
            raise AssertionError("the server did not start")
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def test_a_server_answers_on_the_loopback_and_stops_when_told(model, han):
    with running(model) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=address) as client:
            response = client.post("/v1/predict", json={"texts": ["So good."]})
            found = response.json()["predictions"][0]["probabilities"]
            np.testing.assert_allclose(found, han.predict_proba(["So good."])[0])
            assert "server" not in response.headers

            def in_parts():
                for _ in range(1300):
                    yield b"a" * 1000

            with contextlib.suppress(httpx.WriteError):  # it may hang up meanwhile
                assert client.post("/v1/predict", content=in_parts()).status_code == 413
        with ThreadPoolExecutor(8) as pool:
            texts = ["So good.", "Too long, what a bore!", ""] * 8
            body = [{"texts": [text]} for text in texts]
            url = f"{address}/v1/predict"
            responses = list(pool.map(lambda b: httpx.post(url, json=b), body))
        found = [each.json()["predictions"][0]["probabilities"] for each in responses]
        np.testing.assert_allclose(found, han.predict_proba(texts), atol=1e-5)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Finished server process" in said
        assert "Traceback" not in said


def test_both_kinds_of_files_are_read(model, tmp_path):
    assert isinstance(load_model(model, device="cpu"), HANClassifier)
    with pytest.raises(ValueError, match="device='cpu' for an ONNX file"):
        load_model("model.onnx", device="cuda")
    path = tmp_path / "model.ONNX"
    path.write_bytes(b"")
    with pytest.raises(sktextconv.ModelFormatError, match="export_onnx"):
        load_model(path, device="cpu")


BROWSER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.mark.skipif(None in BROWSER, reason="needs chromium and chromedriver")
def test_a_browser_shows_the_answer_and_runs_no_script(model):
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    text = 'So good. <script>document.title = "run"</script> A fine film!'
    with contextlib.ExitStack() as stack:
        _, address = stack.enter_context(running(model))
        browser = webdriver.Chrome(options, webdriver.ChromeService(BROWSER[1]))
        stack.callback(browser.quit)
        browser.get(address)
        browser.find_element(By.ID, "text").send_keys(text)
        browser.find_element(By.TAG_NAME, "button").click()
        answer = By.CSS_SELECTOR, "#result h2"  # on the page that the click asks for
        label = WebDriverWait(browser, 60).until(lambda it: it.find_element(*answer))
        assert label.text in ("0", "1")
        assert browser.title == "HANClassifier"
        area = browser.find_element(By.ID, "text")
        assert area.get_property("value") == text
        assert "<script>" in browser.find_element(By.CLASS_NAME, "highlighted").text
        assert not browser.find_elements(By.TAG_NAME, "script")
        words = browser.find_elements(By.CSS_SELECTOR, ".words span[class^=for]")
        colors = {each.value_of_css_property("background-color") for each in words}
        assert len(colors - {"rgba(0, 0, 0, 0)"}) > 1
        log = [json.loads(each["message"]) for each in browser.get_log("performance")]
    responses = [
        each["message"]["params"]["response"]
        for each in log
        if each["message"]["method"] == "Network.responseReceived"
    ]
    urls = {each["url"].partition("?")[0] for each in responses}
    # A browser starts at an empty page, "data:,".
    assert urls - {"data:,"} == {f"{address}/", f"{address}/style.css"}
    for response in (each for each in responses if each["url"].startswith(address)):
        headers = {key.lower(): value for key, value in response["headers"].items()}
        assert headers["content-security-policy"] == CSP
