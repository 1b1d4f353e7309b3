"""Measures for Prometheus. No label ever holds a PIN, a caller, an account or an address."""

from bisect import bisect_left
from collections import Counter as Tally
from pathlib import Path
from time import perf_counter

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
_LATEST_S = 0.25
"""So old are the measures of requests at most while redemptions are under way."""


class _Times:
    """How many requests took how long, until they are put into a histogram."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.total_s = 0.0

    def note(self, seconds: float) -> None:
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.total_s += seconds


class _Histogram(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, times: _Times) -> None:
        self._sum.inc(times.total_s)
        for bucket, count in zip(self._buckets, times.counts, strict=True):
            if count:
                bucket.inc(count)


class Metrics:
    """The measures of one process.

    Requests are counted in plain numbers, from the event loop's thread only, and put into the
    measures together: when no redemption waits, and every quarter of a second while some do. Each
    by itself would cost as much as reading the request.

    Several workers share a directory (`shared_directory`, the PROMETHEUS_MULTIPROC_DIR that the
    process was started with), and whichever is asked answers for all of them.
    """

    def __init__(self, shared_directory: str | None = None) -> None:
        self._shared_directory = shared_directory
        if shared_directory is not None:
            _forget_dead_processes(Path(shared_directory))
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = _Histogram(
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
        self._answer_seconds = _Histogram(
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
        self._now_waiting = 0
        self._settled_at = 0.0
        self._forget()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one HTTP request."""
        key = (method, route, status)
        times = self._request_times.get(key)
        if times is None:
            times = self._request_times[key] = _Times()
        times.note(seconds)
        self._settle()

    def taken_up(self, count: int = 1) -> None:
        """Count redemption requests that wait from now on."""
        self._now_waiting += count

    def answered(self, channel: str, code: str, replayed: bool, seconds: float) -> None:
        """Count the answer to a redemption request that was taken up."""
        self._now_waiting -= 1
        self._answers[channel, code, replayed] += 1
        self._answer_times.note(seconds)
        self._settle()

    def shed(self, channel: str, code: str, route: str, status: int) -> None:
        """Count an HTTP request to redeem that was refused before it was taken up.

        As answered in no time: how long the refusal is kept back says nothing of the server.
        """
        self._answers[channel, code, False] += 1
        self.request("POST", route, status, 0.0)

    def given_up(self, count: int = 1) -> None:
        """Count redemption requests that got no answer out of the engine."""
        self._now_waiting -= count
        self._settle()

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

    def _settle(self) -> None:
        now = perf_counter()
        if self._now_waiting and now < self._settled_at + _LATEST_S:
            return
        requests, answers, times = self._request_times, self._answers, self._answer_times
        self._forget()
        self._settled_at = now
        self._waiting.set(self._now_waiting)
        for (method, route, status), each in requests.items():
            self._requests.labels(method, route, str(status)).add(each)
        for (channel, code, replayed), count in answers.items():
            self._redemptions.labels(channel, code, "yes" if replayed else "no").inc(count)
        self._answer_seconds.add(times)

    def _forget(self) -> None:
        self._request_times: dict[tuple[str, str, int], _Times] = {}
        self._answers: Tally[tuple[str, str, bool]] = Tally()
        self._answer_times = _Times()


def _forget_dead_processes(directory: Path) -> None:
    """A killed worker leaves behind what it had waiting; its counters stay counted."""
    import psutil  # only several workers need it, and a start would wait for it

    for file in directory.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            file.unlink(missing_ok=True)
