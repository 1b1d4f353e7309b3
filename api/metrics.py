"""Measures for Prometheus. No label ever holds a PIN, a caller, an account or an address."""

from pathlib import Path

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LIST_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The measures of one process.

    Several workers share a directory (`shared_directory`, the PROMETHEUS_MULTIPROC_DIR that the
    process was started with), and whichever is asked answers for all of them.
    """

    def __init__(self, shared_directory: str | None = None) -> None:
        self._shared_directory = shared_directory
        if shared_directory is not None:
            _forget_dead_processes(Path(shared_directory))
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Histogram(
            "wanneng_http_request_seconds",
            "HTTP requests by method, route template and status",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._redemptions = Counter(
            "wanneng_redemptions",
            "Answers to redemption requests by channel and code; replayed ones apart",
            ["channel", "code", "replayed"],
            registry=registry,
        )
        self._answer_seconds = Histogram(
            "wanneng_redemption_seconds",
            "From taking up a redemption request to its answer",
            buckets=_SECONDS,
            registry=registry,
        )
        self._waiting = Gauge(
            "wanneng_redemptions_waiting",
            "Redemption requests that wait for their answer",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._list_size = Histogram(
            "wanneng_redemption_list_size",
            "Redemption requests decided together in one transaction",
            buckets=_LIST_SIZES,
            registry=registry,
        )
        self._list_seconds = Histogram(
            "wanneng_redemption_list_seconds",
            "Deciding one list of redemption requests, its commit included",
            buckets=_SECONDS,
            registry=registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one HTTP request."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def taken_up(self) -> None:
        """Count a redemption request that waits from now on."""
        self._waiting.inc()

    def answered(self, channel: str, code: str, replayed: bool, seconds: float) -> None:
        """Count the answer to a redemption request that was taken up."""
        self._waiting.dec()
        self._redemptions.labels(channel, code, "yes" if replayed else "no").inc()
        self._answer_seconds.observe(seconds)

    def shed(self, channel: str, code: str) -> None:
        """Count a redemption request that was refused before it was taken up."""
        self._redemptions.labels(channel, code, "no").inc()

    def given_up(self) -> None:
        """Count a redemption request that got no answer out of the engine."""
        self._waiting.dec()

    def list_decided(self, size: int, seconds: float) -> None:
        """Count one list that the engine decided."""
        self._list_size.observe(size)
        self._list_seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all measures in Prometheus' text form."""
        if self._shared_directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._shared_directory)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _forget_dead_processes(directory: Path) -> None:
    """A killed worker leaves behind what it had waiting; its counters stay counted."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            file.unlink(missing_ok=True)
