"""A short life through all four services, in which everything is asked for until it is answered, as a desk does."""

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import text

from ops.stage import ROLE_OF, Stage
from ops.story import initial_names
from shared.database import open_read_only
from shared.topology import readers_of
from tests.consent.builders import CLINIC, JOBCENTER

PATIENCE_SECONDS = 150
PAUSE_SECONDS = 0.1
NOT_YET = {404, 409, 422}
"""What a service answers that has not heard yet of what another one announced."""
KINDS = ["secrecy_release", "data_consent"]
Body = dict[str, Any]  # Any: JSON values


class NeverAnswered(AssertionError):
    """Raised when something did not come about, however often it was asked for: names the step, no value."""

    def __init__(self, step: str, last: str) -> None:
        super().__init__(f"{step}: {last} after {PATIENCE_SECONDS} seconds")


@dataclass(slots=True)
class Life:
    """One synthetic person, from a commission over a grant, a referral and a withdrawal to being forgotten."""

    stage: Stage
    number: str = field(default_factory=lambda: secrets.token_hex(5))
    person_id: str = ""
    case_id: str = ""
    referral_id: str = ""
    _client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30))

    @property
    def reference(self) -> str:
        """The Jobcenter's own reference."""
        return f"AZ-{self.number}"

    @property
    def address(self) -> str:
        """How the person is reached: the Jobcenter gave it, and the clinic is told."""
        return f"reached-{self.number}@example.org"

    @property
    def name(self) -> str:
        """What the person is called: nobody outside is told."""
        return f"Marked {self.number} (synthetic)"

    @property
    def statement(self) -> str:
        """What the person said: the Jobcenter is told, until it is taken back."""
        return f"I ({self.number}) want to work again and need three months."

    def close(self) -> None:
        """Ask no more."""
        self._client.close()

    def until_withdrawn(self) -> None:
        """Live from the commission to the withdrawal."""
        self._is_commissioned()
        self._is_seen()
        self._tells_the_jobcenter()
        self._goes_to_the_clinic()
        said = {"person_id": self.person_id, "recipient_id": JOBCENTER}
        self.ask("POST", "consent", "/withdrawals", said)
        self._until(lambda: self.held_by(JOBCENTER) == [], "withdrawn")

    def until_forgotten(self) -> None:
        """Be forgotten by all four services."""
        erasure = self.ask("POST", "consent", f"/persons/{self.person_id}/erasure")["erasure_id"]
        self._until(lambda: self._has_every_key_destroyed(erasure), "forgotten")
        self._until(lambda: self.held_by(CLINIC) == [], "dropped by the clinic")

    def held_by(self, desk: str) -> list[Body]:
        """Return what a desk holds of this person now."""
        known = {JOBCENTER: self.reference, CLINIC: self.address}[desk]
        return [one["released"] for one in self.ask("GET", desk, "/held")["held"] if known in str(one["released"])]

    def _is_commissioned(self) -> None:
        said = {
            "reference": self.reference,
            "service": "clarification",
            "deadline": (datetime.now(UTC).date() + timedelta(days=90)).isoformat(),
            "budget_line": "ESF-12",
            "contact": {"channel": "email", "address": self.address},
        }
        self.ask("POST", JOBCENTER, "/commission", said)
        self._until(self._finds_the_case, "case opened")
        notices = {"language": "de", "text_version": "2026-10", "text_sha256": "5e" * 32}
        self.ask("POST", "intake", f"/cases/{self.case_id}/notices", notices)
        self.ask("PUT", "intake", f"/cases/{self.case_id}/identity", {"name": self.name})

    def _finds_the_case(self) -> bool:
        for case in reversed(self.ask("GET", "intake", "/cases")):
            contact = self.ask("GET", "intake", f"/cases/{case['case_id']}/contact", not_found={404, 410})
            if contact and contact.get("address") == self.address:
                self.case_id, self.person_id = case["case_id"], case["person_id"]
                return True
        return False

    def _is_seen(self) -> None:
        case = f"/cases/{self.case_id}"
        self._tell(f"{case}/taking", {"team_id": "team-nord", "responsible_id": "assessor-07"})
        self._tell(f"{case}/contact-attempts", {"channel": "phone", "outcome": "reached"})
        self._tell(f"{case}/facts", {"life_domain": "mental_health", "code": "persistent_low_mood", "severity": 3})
        statement = self._tell(f"{case}/statements", {"text": self.statement})
        approved = {"text_sha256": statement["text_sha256"]}
        self._tell(f"{case}/statements/{statement['statement_id']}/approval", approved)
        self._tell(f"{case}/conclusion", {"code": "few_hours_daily_possible"})

    def _tells_the_jobcenter(self) -> None:
        self._grant(JOBCENTER, "benefit", {"conclusion", "statements"}, conclusion="yes", statement="yes")
        self._until(lambda: _names(self.held_by(JOBCENTER)) >= {"conclusion", "statements"}, "told the Jobcenter")

    def _goes_to_the_clinic(self) -> None:
        said = {"case_id": self.case_id, "recipient_id": CLINIC, "service": "clinic_place"}
        self._until(lambda: self._was_heard("assessment", "assessment.case_taken.v1"), "taking heard by referral")
        self.referral_id = self.ask("POST", "referral", "/referrals", said, again_on=NOT_YET)["referral_id"]
        purpose = f"referral:{self.referral_id}"
        self._grant(CLINIC, purpose, {"contact", "mental_health"}, contact="yes", mental_health="yes", addiction="no")
        self._until(lambda: self._referral_is("opened"), "opened")
        self._until(lambda: bool(self.held_by(CLINIC)), "held by the clinic")
        [released] = self.held_by(CLINIC)
        self.ask("POST", CLINIC, "/answer", {"reference": released["reference"], "answer": "accepted"})
        self._until(lambda: self._referral_is("accepted"), "accepted")

    def _grant(self, recipient: str, purpose: str, shown: Collection[str], **words: str) -> None:
        """Release what the gate has heard of by now, having seen beforehand what would leave."""
        asked = {"person_id": self.person_id, "recipient_id": recipient, "purpose": purpose, "reaches_back": True}
        yes = {**asked, "words": {name: word for name, word in words.items() if word == "yes"}}

        def would_show_all() -> bool:
            seen = self.ask("POST", "consent", "/previews", yes, not_found=NOT_YET)
            return bool(seen and set(shown) <= set(seen.get("would_see") or ()))

        self._until(would_show_all, f"known at the gate for {recipient}")
        said = {**asked, "words": words, "kinds": KINDS, "valid_days": 60, "evidence": initial_names()["evidence"]}
        self.ask("POST", "consent", "/grants", said)

    def _was_heard(self, service: str, type_: str) -> bool:
        """Whether its readers have heard what was announced; a referral asked for earlier is planned once more."""
        sent = "SELECT message_id FROM outbox WHERE type = :type AND key_id = :person"
        ids = read(self.stage.database_url(service), sent, type=type_, person=self.person_id)
        arrived = "SELECT message_id FROM inbox WHERE message_id = :id"
        readers = [self.stage.database_url(one) for one in readers_of(type_)]
        return bool(ids) and all(read(url, arrived, id=row[0]) for url in readers for row in ids)

    def _referral_is(self, state: str) -> bool:
        return bool(self.ask("GET", "referral", f"/referrals/{self.referral_id}")["state"] == state)

    def _has_every_key_destroyed(self, erasure: str) -> bool:
        found = {one["erasure_id"]: one["state"] for one in self.ask("GET", "consent", "/erasures", role="operator")}
        return bool(found.get(erasure, "keys_destroyed") == "keys_destroyed")

    def _tell(self, path: str, body: Body) -> Body:
        return dict(self.ask("POST", "assessment", path, body, again_on=NOT_YET))

    def _until(self, is_so: Callable[[], bool], step: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > end:
                raise NeverAnswered(step, "it was not so")
            time.sleep(PAUSE_SECONDS)

    def ask(
        self,
        method: str,
        target: str,
        path: str,
        body: Body | None = None,
        *,
        role: str | None = None,
        again_on: Collection[int] = (),
        not_found: Collection[int] = (),
    ) -> Any:  # Any: JSON values
        """Ask under one key until it is answered; what may not be there yet is asked again, or answered None."""
        role = role or ROLE_OF.get(target)
        headers = {"Authorization": f"Bearer {self.stage.tokens[role]}"} if role else {}
        if method == "POST" and target in ROLE_OF:
            headers["Idempotency-Key"] = secrets.token_urlsafe(24)
        end, last = time.monotonic() + PATIENCE_SECONDS, ""
        while time.monotonic() < end:
            try:
                answer = self._client.request(method, self.stage.url(target) + path, json=body, headers=headers)
            except httpx2.TransportError as error:
                last = type(error).__name__
            else:
                if answer.is_success:
                    return answer.json()
                if answer.status_code in not_found:
                    return None
                last = f"status {answer.status_code}"
                if answer.status_code not in {503, *again_on}:
                    break
            time.sleep(PAUSE_SECONDS)
        raise NeverAnswered(f"{method} {target} {path.split('/')[1]}", last)


def read(url: str, query: str, **values: str) -> list[tuple[Any, ...]]:  # Any: column values
    """Read from a service's database, beside the service."""
    engine = open_read_only(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]
    finally:
        engine.dispose()


def _names(held: list[Body]) -> set[str]:
    return {name for released in held for name in released}
