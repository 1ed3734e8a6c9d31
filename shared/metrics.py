"""What a service counts for its operators: how many events it took and how long its transactions were.

No label bears the name of a recipient, a type of event, a person's word or an outcome of an opening: read over time,
each would tell what somebody decided (docs/decisions/0020). What is counted here is counted of all events alike.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

EFFECTS: Final = ("handled", "waits", "none")
"""An event had its effect, waits for another one, or was known already or came too late."""

SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Counts of one service, in a registry of its own: several services may run in one process."""

    def __init__(self) -> None:
        # Otherwise each counter has a second time series that says when it began.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's
        self.registry = CollectorRegistry()
        taken = Counter("gesehen_events_taken", "Care events taken in.", ["effect"], registry=self.registry)
        self._taken = {outcome: taken.labels(outcome) for outcome in EFFECTS}
        self._retried = self._counter("gesehen_events_retried", "Care events that are tried again later.")
        self._parked = self._counter("gesehen_events_parked", "Care events that no retry could help.")
        self._failed = self._counter("gesehen_publishing_failed", "Messages that the broker did not take at once.")
        self._transactions = Histogram(
            "gesehen_transaction_seconds",
            "How long a transaction of the writer was, its commit included.",
            buckets=SECONDS,
            registry=self.registry,
        )

    def event_taken(self, outcome: str) -> None:
        """Count an event; what became of it beyond the three outcomes is nobody's business here."""
        self._taken[outcome if outcome in EFFECTS else "none"].inc()

    def event_retried(self) -> None:
        """Count an event that is tried again later."""
        self._retried.inc()

    def event_parked(self) -> None:
        """Count an event that was parked."""
        self._parked.inc()

    def publishing_failed(self, errors: Iterable[object]) -> None:
        """Count messages that stay in the outbox for now."""
        self._failed.inc(sum(1 for _ in errors))

    def transaction(self, *, seconds: float) -> None:
        """Count a transaction with its length."""
        self._transactions.observe(seconds)

    def _counter(self, name: str, what: str) -> Counter:
        return Counter(name, what, registry=self.registry)
