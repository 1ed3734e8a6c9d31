"""What every service is told at start. Secrets come as files; nothing here is personal."""

import base64
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.town import Town
from shared.town import TownInvalid, read_town

S = TypeVar("S", bound="ServiceSettings")


def from_environment(kind: type[S]) -> S:
    """Read the settings of a service; a value that is missing or cannot be ends the process with one plain sentence."""
    try:
        settings = kind()  # type: ignore[call-arg]  # the environment brings them
        _ = settings.town
    except ValidationError as error:
        faults = [f"{'_'.join(str(part) for part in item['loc']).upper()} {_reason(item)}" for item in error.errors()]
        raise SystemExit(f"not started: {'; '.join(sorted(faults))}") from None
    except TownInvalid as error:
        raise SystemExit(f"not started: TOWN_FOLDER: {error}") from None
    return settings


def _reason(item: ErrorDetails) -> str:
    return "is missing" if item["type"] == "missing" else "cannot be accepted"


class ServiceSettings(BaseSettings):
    """Settings that all services have in common; each is an environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str
    key_store_url: str
    """Where wrapped person keys lie: a store of its own, in no backup of the database."""
    journal_folder: Path
    """Where the journal lies: outside what a restore overwrites, in no backup of database or keys."""
    master_key_file: Path
    zone_keys_file: Path
    tokens_file: Path
    broker_url: str | None = Field(default=None, repr=False)
    """The service's own account on the vhost `care`. Without it the service runs, keeps its outbox and is not ready."""
    town_folder: Path | None = None
    """What the town decides for itself (`town.toml` and what lies beside it); without it what Essen decided."""
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where Prometheus reads how the service is: a port of its own, for no one outside. Without it there is no page."""
    log_level: str = "INFO"

    @cached_property
    def town(self) -> Town:
        """What the town decides, read once. Raises TownInvalid."""
        return read_town(self.town_folder)

    def town_file(self, name: str) -> Path | None:
        """Return a file of the town's folder, if the service was told one and it is there."""
        file = self.town_folder / name if self.town_folder is not None else None
        return file if file is not None and file.exists() else None

    def master_key(self) -> bytes:
        """Read the key that wraps the person keys: 32 bytes in base64."""
        key = base64.b64decode(self.master_key_file.read_text(encoding="ascii").strip())
        if len(key) != 32:  # noqa: PLR2004
            raise ValueError("master_key_file must hold 32 bytes in base64")
        return key
