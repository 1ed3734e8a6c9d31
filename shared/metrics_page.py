"""The page that Prometheus reads, on a port of its own: what was counted, and what `/ready` says at this moment.

Nothing is remembered between two looks: a service that is stuck does not answer, and that is an alarm too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import structlog
from prometheus_client import ProcessCollector, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.metrics import Metrics

log = structlog.get_logger()

COUNTS: Final[Mapping[str, str]] = {
    "unsent": "Messages that wait for the broker.",
    "oldest_unsent_seconds": "Age of the oldest of them.",
    "waiting": "Events that wait for another one.",
    "oldest_waiting_seconds": "Age of the oldest of them.",
    "parked": "Messages that no retry could help.",
    "oldest_parked_seconds": "Age of the oldest of them.",
    "emergency_reviews_overdue": "Emergencies that nobody has reviewed in time.",
    "persons_not_told_in_time": "Emergencies of which the person was not told in time.",
    "erasures_overdue": "Erasures that a service has not confirmed in time.",
    "quarters_not_published_in_time": "Quarters whose figures are late.",
}
"""The counts of `/ready` that are shown here. What is not named stays out: a new one may say more than it should."""

ANSWER_SECONDS: Final = 8.0

State = Mapping[str, Any]  # Any: JSON values, as `/ready` answers
Look = Callable[[], Awaitable[State]]


class MetricsPage:
    """Serves one service's page until it is stopped."""

    def __init__(self, metrics: Metrics, look: Look, *, host: str, port: int) -> None:
        """Listen there; raise OSError if somebody else does."""
        self._registry = metrics.registry
        self._server, self._thread = start_http_server(port, addr=host, registry=self._registry)
        self._own = (_ShownState(look, asyncio.get_running_loop()), ProcessCollector(registry=None))
        for collector in self._own:
            self._registry.register(collector)
        self.port = int(self._server.server_port)

    async def stop(self) -> None:
        """Stop listening."""
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()
        await asyncio.to_thread(self._thread.join)
        for collector in self._own:
            self._registry.unregister(collector)


class _ShownState(Collector):
    """Asks the service how it is, from the page's own thread. It never raises: the library would print what with."""

    def __init__(self, look: Look, loop: asyncio.AbstractEventLoop) -> None:
        self._look = look
        self._loop = loop

    def describe(self) -> Iterator[Metric]:
        """Name nothing, so that nobody is asked when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return what the service says of itself now; if it says nothing in time, that it is not ready."""
        state = self._state()
        yield GaugeMetricFamily("gesehen_ready", "Whether all parts are up.", value=int(bool(state.get("ready"))))
        parts = GaugeMetricFamily("gesehen_part_up", "Whether a part is up, tried just now.", labels=["part"])
        for part, works in state.get("parts", {}).items():
            parts.add_metric([part], int(works))
        yield parts
        for name, what in COUNTS.items():
            if name in state.get("counts", {}):
                yield GaugeMetricFamily(f"gesehen_{name}", what, value=state["counts"][name])

    def _state(self) -> State:
        asked = asyncio.run_coroutine_threadsafe(_awaited(self._look), self._loop)
        try:
            return asked.result(ANSWER_SECONDS)
        except Exception as error:
            asked.cancel()
            log.error("metrics_without_state", error=type(error).__name__)
            return {}


async def _awaited(look: Look) -> State:
    return await look()


def serve(metrics: Metrics, look: Look, *, host: str, port: int | None) -> MetricsPage | None:
    """Return the page, or None without a port or with one that is taken: help does not wait for its measuring."""
    if port is None:
        return None
    try:
        return MetricsPage(metrics, look, host=host, port=port)
    except OSError as error:
        log.error("metrics_not_served", exc_info=error)
        return None
