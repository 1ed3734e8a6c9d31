"""The page of metrics as Prometheus reads it, and the closed list of what may stand on it."""

from dataclasses import dataclass

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from shared.metrics import EFFECTS, SECONDS
from shared.metrics_page import COUNTS

COUNTED = {"gesehen_events_taken", "gesehen_events_retried", "gesehen_events_parked", "gesehen_publishing_failed"}
STATES = {"gesehen_ready", "gesehen_part_up", *(f"gesehen_{name}" for name in COUNTS)}
PROCESS = {
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds",
    "process_open_fds",
    "process_max_fds",
}
NAMES = COUNTED | STATES | PROCESS | {"gesehen_transaction_seconds"}
PARTS = {
    "database",
    "broker_publishing",
    "broker_consuming",
    "handlers_progress",
    "no_message_waits_too_long",
    "no_message_unsent_too_long",
    "journal",
    "tokens",
    "care_watch",
    "visit_timer",
    "recipient_lines",
    "requests_progress",
    "timers_progress",
    "erasures_confirmed",
}
LABELS = {"effect": set(EFFECTS), "part": PARTS, "le": {*(str(bound) for bound in SECONDS), "+Inf"}}


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on a page."""

    text: str

    @classmethod
    def read(cls, port: int) -> "Page":
        """Read the page of a service on this machine."""
        answer = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=20)
        answer.raise_for_status()
        return cls(answer.text)

    def values(self) -> dict[str, float]:
        """Return each sample by its name and labels."""
        return {
            " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        }

    def names(self) -> set[str]:
        """Return the names of what is measured."""
        return {family.name for family in text_string_to_metric_families(self.text)}

    def not_on_the_list(self) -> list[str]:
        """Return every name, label and value of a label that nobody decided about."""
        samples = [sample for family in text_string_to_metric_families(self.text) for sample in family.samples]
        labels = {(name, value) for sample in samples for name, value in sample.labels.items()}
        foreign = [f"{name}={value}" for name, value in sorted(labels) if value not in LABELS.get(name, ())]
        return sorted(self.names() - NAMES) + foreign
