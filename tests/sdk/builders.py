"""Valid things for the tests of the sdk."""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from sdk import Released, Retracted, StatusChanged
from sdk.events import ReleasedContent


def a_release(
    release_id: str = "r-1", *, sequence: int = 1, reference: str = "E-1", notice: str | None = None, **categories: Any
) -> Released:
    content = ReleasedContent(type="jobcenter.situation.v1", reference=reference, **categories)
    return Released(notice=notice or release_id, release_id=release_id, sequence=sequence, released=content)


def a_retraction(release_id: str = "r-1", *, notice: str | None = None) -> Retracted:
    return Retracted(notice=notice or f"retracts {release_id}", release_id=release_id)


def a_status(status: Any = "running", *, reference: str = "E-1", notice: str | None = None) -> StatusChanged:
    return StatusChanged(notice=notice or f"{reference} is {status}", reference=reference, status=status)


def a_connection_file(folder: Path, **changes: Any) -> Path:
    content = {
        "recipient_id": "jobcenter-essen",
        "broker_url": "amqp://jobcenter-essen:hush@127.0.0.1:1/jobcenter-essen",
        "account": "jobcenter-essen",
        "gate_public_key": ECKey.generate_key("P-256").as_dict(private=False),
    }
    path = folder / "jobcenter-essen.connection.json"
    path.write_text(json.dumps(content | changes))
    return path
