"""The connection file that a recipient gets when it is connected: where, as whom, and the gate's public key."""

from pathlib import Path
from typing import Any  # a JWK is a dict[str, Any] in joserfc
from urllib.parse import urlsplit

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdk.errors import BadFile
from sdk.keys import read_json, read_key


class ConnectionFile(BaseModel):
    """What stands in `<recipient>.connection.json`. The URL holds the broker password: it is never shown."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    recipient_id: str
    broker_url: str = Field(repr=False, pattern=r"^amqps?://")
    account: str
    gate_public_key: dict[str, Any] = Field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "ConnectionFile":
        """Read the file; an error names the file and the field."""
        try:
            connection = cls.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            raise BadFile(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
        connection.gate_key()
        return connection

    def gate_key(self) -> ECKey:
        """Return the key that commands are sealed for."""
        return read_key(self.gate_public_key, name="gate_public_key")

    @property
    def place(self) -> str:
        """Return host, port and vhost, without the password."""
        parts = urlsplit(self.broker_url)
        return f"{parts.hostname}:{parts.port or 5672}{parts.path}"
