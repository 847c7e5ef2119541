"""Metrics for Prometheus, summed over the worker processes of a server."""

import os
import time

from ..utils._optional_dependencies import require

__all__ = ["Metrics", "MetricsMiddleware"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters, histograms and a gauge of an application.

    If prometheus_client is in multiprocess mode, which the environment variable
    ``PROMETHEUS_MULTIPROC_DIR`` starts before its import, they are sums over all
    processes with the same folder.
    """

    def __init__(self):
        client = require("prometheus_client", by="create_app", extra="serve")
        # A registry of its own: a process may have several applications.
        self._registry = registry = client.CollectorRegistry()
        self.requests = client.Counter(
            "sktextconv_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = client.Histogram(
            "sktextconv_request_seconds",
            "Time from the head of a request to the end of its response.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.texts = client.Counter(
            "sktextconv_texts", "Texts with a prediction.", registry=registry
        )
        self.batch = client.Histogram(
            "sktextconv_batch_texts",
            "Texts predicted together.",
            buckets=_TEXTS,
            registry=registry,
        )
        self.waiting = client.Gauge(
            "sktextconv_waiting_requests",
            "Requests that wait for their prediction.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def render(self):
        """Return all metrics as bytes, and their content type."""
        import prometheus_client as client
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = client.CollectorRegistry()
            MultiProcessCollector(registry)
        return client.generate_latest(registry), client.CONTENT_TYPE_LATEST


class MetricsMiddleware:
    """ASGI middleware that counts requests and measures their time.

    Labels are routes of the application, statuses and "other", never what a client has
    sent: a path or a method may contain a text, and each new label takes memory.

    Parameters
    ----------
    app : ASGI application
        It sets ``scope["state"]["n_texts"]`` to the number of texts of a request.
    metrics : Metrics
    routes : set of str
        Methods and paths, such as "GET /healthz".
    """

    def __init__(self, app, *, metrics, routes):
        self._app = app
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = "none"  # of a client that has disconnected
        state = scope.setdefault("state", {})

        async def send_with_status(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_status)
        except Exception:
            status = "500"  # which the outer layer sends
            raise
        finally:
            route = f"{scope['method']} {scope['path']}"
            route = route if route in self._routes else "other"
            self._metrics.requests.labels(route, status).inc()
            seconds = time.perf_counter() - start
            self._metrics.seconds.labels(route).observe(seconds)
            if status == "200":
                self._metrics.texts.inc(state.get("n_texts", 0))
