"""Creation of the application, and the server process."""

import contextlib
import functools
import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

import sktextconv
from sktextconv import HANClassifier
from sktextconv.persistence._load import load_model
from sktextconv.serving import _load_models, create_app, serve

from .clients import CSP, running


def test_create_app_invalid_arguments(bow):
    with pytest.raises(TypeError, match="Expected a fitted classifier"):
        create_app("model.onnx")
    with pytest.raises(ValueError, match="Expected max_texts to be an int of 1"):
        create_app(bow, max_texts=0)
    with pytest.raises(ValueError, match="Expected at least one classifier, got none"):
        create_app({})
    with pytest.raises(TypeError, match="Expected names of classifiers to be a list"):
        create_app({0: bow})
    with pytest.raises(TypeError, match="Expected a fitted classifier"):
        create_app({"a": bow, "b": "model.onnx"})
    for examples in ("so good", [b"so good"]):
        with pytest.raises(TypeError, match="Expected examples to be a list of str"):
            create_app(bow, examples=examples)


@pytest.mark.parametrize(
    ("module", "make"),
    [
        ("fastapi", create_app),
        ("jinja2", create_app),
        ("prometheus_client", functools.partial(create_app, metrics=True)),
        ("uvicorn", serve),
    ],
)
def test_missing_extra(module, make, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}, .*\[serve\]"):
        make("model.onnx")


def test_server_process(model, han):
    """The server listens on the loopback address and stops on SIGTERM."""
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

            assert client.post("/v1/predict", content=in_parts()).status_code == 413
        with ThreadPoolExecutor(8) as pool:
            texts = ["So good.", "Too long, what a bore!", ""] * 8
            body = [{"texts": [text]} for text in texts]
            url = f"{address}/v1/predict"
            responses = list(pool.map(lambda b: httpx.post(url, json=b), body))
        found = [each.json()["predictions"][0]["probabilities"] for each in responses]
        np.testing.assert_allclose(found, han.predict_proba(texts), atol=1e-5)
        process.send_signal(signal.SIGTERM)
        _, printed = process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGTERM)
        assert "Finished server process" in printed
        assert "Traceback" not in printed


def test_linear_models_are_served_without_torch(bow, tmp_path):
    """Neither loading nor serving nor explaining a linear model imports torch."""
    sktextconv.save(bow, tmp_path / "bow.safetensors")
    script = (
        "import sys\n"
        "from tests.serving.clients import Client, paste\n"
        "from sktextconv.persistence._load import load_model\n"
        "from sktextconv.serving import create_app\n"
        "models = {name: load_model(sys.argv[1], device='cpu') for name in 'ab'}\n"
        "with Client(create_app(models)) as client:\n"
        "    assert paste(client, 'so good').text.count('highlighted') == 2\n"
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "bow.safetensors")]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)


def test_load_model_formats(model, tmp_path):
    assert isinstance(load_model(model, device="cpu"), HANClassifier)
    with pytest.raises(ValueError, match="device='cpu' for an ONNX file"):
        load_model("model.onnx", device="cuda")
    path = tmp_path / "model.ONNX"
    path.write_bytes(b"")
    with pytest.raises(sktextconv.ModelFormatError, match="export_onnx"):
        load_model(path, device="cpu")


def test_models_are_named_after_files(bow, tmp_path):
    """Models have the names of their files, with the folder if these are the same."""
    paths = [tmp_path / name for name in ("a/m.safetensors", "b/m.safetensors", "n.v2")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        sktextconv.save(bow, path)
    assert list(_load_models([str(paths[2])], "cpu")) == ["n"]
    assert list(_load_models(paths[1:], "cpu")) == ["m", "n"]
    assert list(_load_models(paths, "cpu")) == [str(paths[0]), str(paths[1]), "n"]


BROWSER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.mark.skipif(None in BROWSER, reason="needs chromium and chromedriver")
def test_browser_shows_result_without_scripts(model):
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
        answer = By.CSS_SELECTOR, "#result h2"  # after the page has reloaded
        label = WebDriverWait(browser, 60).until(
            lambda driver: driver.find_element(*answer)
        )
        assert label.text.split()[0] in ("0", "1")
        assert browser.title == "model"
        area = browser.find_element(By.ID, "text")
        assert area.get_property("value") == text
        assert "<script>" in browser.find_element(By.CLASS_NAME, "highlighted").text
        assert not browser.find_elements(By.TAG_NAME, "script")
        words = browser.find_elements(By.CSS_SELECTOR, ".words span[class^=for]")
        colors = {each.value_of_css_property("background-color") for each in words}
        assert len(colors - {"rgba(0, 0, 0, 0)"}) > 1
        browser.find_element(By.CSS_SELECTOR, ".examples button").click()
        shown = By.CSS_SELECTOR, ".examples [aria-current]"
        WebDriverWait(browser, 60).until(lambda driver: driver.find_element(*shown))
        area = browser.find_element(By.ID, "text")
        assert area.get_property("value") == "So good! A film."
        assert browser.find_element(*answer).text.endswith("%")
        log = [json.loads(each["message"]) for each in browser.get_log("performance")]
    responses = [
        each["message"]["params"]["response"]
        for each in log
        if each["message"]["method"] == "Network.responseReceived"
    ]
    urls = {each["url"].partition("?")[0] for each in responses}
    # A browser starts at the empty page "data:,".
    assert urls - {"data:,"} == {f"{address}/", f"{address}/style.css"}
    for response in (each for each in responses if each["url"].startswith(address)):
        headers = {key.lower(): value for key, value in response["headers"].items()}
        assert headers["content-security-policy"] == CSP
