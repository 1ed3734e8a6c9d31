"""What a service is started with: its files, and its way to log."""

import base64
import hashlib
import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from shared.observability import set_up_logging
from shared.settings import ServiceSettings
from shared.web import Role
from tests.shared.builders import MASTER_KEY, write_zone_keys


def settings_in(folder: Path, **changes: str) -> ServiceSettings:
    """Write the files that a service is started with, and return its settings."""
    (folder / "master.key").write_text(base64.b64encode(MASTER_KEY).decode())
    write_zone_keys(folder / "zone.json", today=datetime.now(UTC).date())
    tokens = [
        {"sha256": hashlib.sha256(role.encode()).hexdigest(), "caller_id": f"{role}-1", "role": role} for role in Role
    ]
    (folder / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    places = {
        "database_url": f"sqlite:///{folder}/service.db",
        "key_store_url": f"sqlite:///{folder}/keys.db",
        "journal_folder": f"{folder}/journal",
        "master_key_file": f"{folder}/master.key",
        "zone_keys_file": f"{folder}/zone.json",
        "tokens_file": f"{folder}/tokens.json",
    }
    return ServiceSettings.model_validate(places | changes)


def log_as_a_service() -> None:
    """Log as a service does, but let pytest hear of what no thread caught."""
    hooks = sys.excepthook, threading.excepthook
    set_up_logging("test")
    sys.excepthook, threading.excepthook = hooks
