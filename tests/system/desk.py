"""What the Jobcenter's desk of a running stage does in tests."""

from datetime import UTC, datetime, timedelta

import httpx2

from ops.stage import Stage


def commission(stage: Stage) -> None:
    """Have the Jobcenter's desk commission something."""
    body = {
        "reference": "E-1",
        "service": "clarification",
        "deadline": (datetime.now(UTC) + timedelta(days=90)).date().isoformat(),
        "budget_line": "A-1",
        "contact": {"channel": "phone", "address": "0201 555 0100"},
    }
    httpx2.post(f"{stage.url('jobcenter-essen')}/commission", json=body, timeout=30).raise_for_status()
