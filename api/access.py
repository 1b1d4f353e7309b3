"""What is noted of each request: its measures, and a line in the access log."""

from time import perf_counter

import structlog

from api.metrics import Metrics

_FAILURE = 500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SHED_LINE_S = 1.0
"""In an overload a line for each refusal would take more than all the rest of it."""
_log = structlog.get_logger("wanneng.access")


class Access:
    """Notes requests, from the event loop's thread. Without `log_all` only failures are logged.

    The log names the route's template, never the address as it came: whatever a person puts into
    an address, a PIN too, is written nowhere.
    """

    def __init__(self, metrics: Metrics, *, log_all: bool = True) -> None:
        self.metrics = metrics
        self._log_all = log_all
        self._shed = 0
        self._shed_told_at = -_SHED_LINE_S

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request that was answered; status 0: that was not."""
        method = method if method in _METHODS else "other"
        self.metrics.request(method, route, status, seconds)
        if self._log_all or not 0 < status < _FAILURE:
            _log.info(
                "request", method=method, route=route, status=status, ms=round(seconds * 1000, 1)
            )

    def note_shed(self, channel: str, code: str, route: str, status: int) -> None:
        """Note a redemption request refused unseen; at most one line a second tells."""
        self.metrics.shed(channel, code, route, status)
        self._shed += 1
        now = perf_counter()
        if now >= self._shed_told_at + _SHED_LINE_S:
            _log.warning("requests_shed", route=route, status=status, requests=self._shed)
            self._shed, self._shed_told_at = 0, now
