"""Metrics for Prometheus: values, and nothing that a client has sent."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sktextconv.serving import create_app

from .clients import BlockedClassifier, Client, FailingClassifier, paste, predict


@pytest.fixture
def counted(bow):
    with Client(create_app(bow, metrics=True, max_texts=4, max_characters=90)) as each:
        yield each


def parse(text):
    """Return the values of metrics by name and values of labels."""
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if not each.name.endswith("_created")
    }


def read(client):
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return parse(response.text)


def test_metrics_are_absent_by_default(client):
    assert client.get("/metrics").status_code == 404


def test_metrics_count_requests_and_texts(counted):
    """Requests count by route and status, texts only if they have predictions."""
    predict(counted, "so good", "a bore")
    predict(counted, "too long")
    predict(counted, *"abcde")
    paste(counted, "so good")
    paste(counted, "a" * 91)
    counted.get("/healthz")
    counted.get("/healthz", headers={"Host": "evil.example"})
    counted.post("/v1/predict", content=b"a" * 10_000)
    found = read(counted)
    name = "sktextconv_requests_total"
    assert {key[1:]: value for key, value in found.items() if key[0] == name} == {
        ("POST /v1/predict", "200"): 2,
        ("POST /v1/predict", "422"): 1,
        ("POST /v1/predict", "413"): 1,
        ("POST /", "200"): 1,
        ("POST /", "422"): 1,
        ("GET /healthz", "200"): 1,
        ("GET /healthz", "400"): 1,
    }
    assert found["sktextconv_request_seconds_count", "POST /v1/predict"] == 4
    assert found["sktextconv_request_seconds_sum", "POST /v1/predict"] > 0
    assert found["sktextconv_texts_total",] == 4
    assert found["sktextconv_batch_texts_sum",] == 4
    assert found["sktextconv_waiting_requests",] == 0
    assert read(counted)[name, "GET /metrics", "200"] == 1


def test_metrics_of_batches_and_waiting_requests():
    """Waiting requests are those behind the current batch; batches have their size."""
    classifier = BlockedClassifier()

    async def send(http):
        async def one(text):
            return await http.post("/v1/predict", json={"texts": [text]})

        first = asyncio.create_task(one("a"))
        await asyncio.to_thread(classifier.entered.wait, 20)
        others = [asyncio.create_task(one(text)) for text in "bcd"]
        waiting = 0
        while waiting < 3:
            await asyncio.sleep(0)  # runs the other tasks
            response = await http.get("/metrics")
            waiting = parse(response.text)["sktextconv_waiting_requests",]
        classifier.resume.set()
        await asyncio.gather(first, *others)

    with Client(create_app(classifier, metrics=True)) as client:
        client.run(send)
        found = read(client)
    assert found["sktextconv_waiting_requests",] == 0
    bounds = {key[1]: found[key] for key in found if key[0].endswith("texts_bucket")}
    assert (bounds["1.0"], bounds["2.0"], bounds["4.0"]) == (1, 1, 2)


def test_metrics_contain_nothing_of_clients(counted):
    """Metrics contain no text, label, path or method of a client."""
    predict(counted, "secret")
    paste(counted, "secret")
    counted.get("/secret?text=secret", headers={"X-Secret": "secret"})
    counted.run(lambda http: http.request("SECRET", "/v1/predict"))
    counted.run(lambda http: http.request("SECRET", "/secret"))
    text = counted.get("/metrics").text
    assert "secret" not in text.lower()
    families = text_string_to_metric_families(text)
    labels = [each.labels for family in families for each in family.samples]
    assert {key for each in labels for key in each} == {"route", "status", "le"}
    routes = {each["route"] for each in labels if "route" in each}
    assert routes == {"POST /v1/predict", "POST /", "other"}
    found = parse(text)
    assert found["sktextconv_requests_total", "other", "404"] == 2
    assert found["sktextconv_requests_total", "other", "405"] == 1


def test_metrics_count_errors_of_classifiers():
    app = create_app(FailingClassifier(["a", "b"]), metrics=True)
    with Client(app) as client:
        assert predict(client, "secret").status_code == 500
        found = read(client)
    assert found["sktextconv_requests_total", "POST /v1/predict", "500"] == 1
    assert found["sktextconv_texts_total",] == 0


def test_metrics_of_two_applications_are_apart(bow):
    """Each application of a process has metrics of its own."""
    apps = [create_app(bow, metrics=True) for _ in range(2)]
    with Client(apps[0]) as first, Client(apps[1]) as second:
        predict(first, "so good")
        assert read(first)["sktextconv_texts_total",] == 1
        assert read(second)["sktextconv_texts_total",] == 0
