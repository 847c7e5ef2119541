"""Batches of waiting requests, and the limit of their number."""

import asyncio
import functools

import numpy as np
import pytest

from sktextconv.serving import create_app
from sktextconv.serving.batching import BusyError, Worker

from .clients import BlockedClassifier, Client


def send_during_prediction(client, classifier, texts):
    """Send one text and, during its prediction, the others; return all responses."""

    async def send(http):
        def one(text):
            if text == "page":
                return http.post("/", data={"text": text})
            return http.post("/v1/predict", json={"texts": [text]})

        first = asyncio.create_task(one("first"))
        await asyncio.to_thread(classifier.entered.wait, 20)
        others = [asyncio.create_task(one(text)) for text in texts]
        # Rejected requests get a response at once; three wait.
        done = set()
        while len(done) < len(texts) - 3:
            done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        health = await http.get("/healthz")
        classifier.resume.set()
        return health, [await task for task in (first, *others)]

    return client.run(send)


def test_full_queue_responds_with_503():
    classifier = BlockedClassifier()
    app = create_app(classifier, max_waiting=3)
    with Client(app) as client:
        health, responses = send_during_prediction(
            client, classifier, [*"bcdef", "page"]
        )
    assert health.status_code == 200
    codes = [response.status_code for response in responses]
    assert codes == [200] * 4 + [503] * 3
    assert all(each.headers["retry-after"] == "1" for each in responses[-3:])
    assert responses[-2].json() == {"detail": "Busy. Try again later."}
    assert "The server is busy" in responses[-1].text


def test_waiting_requests_form_batches():
    """Waiting requests are predicted together; each gets its own response."""
    classifier = BlockedClassifier()
    texts = ["b", "cc", "ddd"]
    with Client(create_app(classifier, max_batch=2)) as client:
        _, responses = send_during_prediction(client, classifier, texts)
    assert classifier.calls == [["first"], ["b", "cc"], ["ddd"]]
    for text, response in zip(["first", *texts], responses, strict=True):
        (prediction,) = response.json()["predictions"]
        assert prediction["probabilities"][0] == len(text) / 100


def test_batches_match_single_predictions(han):
    texts = [
        "So good.",
        "",
        "Too long! What a film. A bore.",
        "unheard of",
        "A fine",
    ] * 6

    async def send_all(client):
        def one(text):
            return client.post("/v1/predict", json={"texts": [text]})

        return await asyncio.gather(*map(one, texts))

    with Client(create_app(han)) as client:
        responses = client.run(send_all)
    found = [each.json()["predictions"][0]["probabilities"] for each in responses]
    expected = [han.predict_proba([text])[0] for text in texts]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_failed_request_harms_no_other():
    def fail_at_c(texts):
        if "c" in texts:
            raise MemoryError
        return [text.upper() for text in texts]

    async def main():
        async with Worker(max_batch=8, max_waiting=3) as worker:
            predict = functools.partial(worker.predict, fail_at_c)
            calls = [predict([text]) for text in "acb"]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert (found[0], type(found[1]), found[2]) == (["A"], MemoryError, ["B"])
            gone = asyncio.create_task(predict(["d"]))
            await asyncio.sleep(0)
            gone.cancel()
            assert await predict("ef") == ["E", "F"]
            with pytest.raises(ZeroDivisionError):
                await worker.run(lambda: 1 / 0)
            assert worker.is_alive
            tasks = [asyncio.create_task(predict("a")) for _ in range(9)]
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert any(isinstance(each, BusyError) for each in found)
        assert not worker.is_alive

    asyncio.run(main())


def test_batches_hold_requests_for_one_model():
    """Waiting requests for a model form a batch, whatever is between them."""
    calls = []

    async def main():
        async with Worker(max_batch=3, max_waiting=9) as worker:
            functions = {
                name: lambda texts, name=name: calls.append((name, texts)) or texts
                for name in "ab"
            }
            requests = [("a", "1"), ("b", "2"), ("a", "3"), ("b", "45"), ("a", "678")]
            answers = [worker.predict(functions[f], list(t)) for f, t in requests]
            answers.insert(2, worker.run(lambda: calls.append("call")))
            assert (await asyncio.gather(*answers))[3:] == [["3"], [*"45"], [*"678"]]

    asyncio.run(main())
    assert calls == [
        ("a", ["1", "3"]),
        ("b", ["2", "4", "5"]),
        "call",
        ("a", ["6", "7", "8"]),
    ]
