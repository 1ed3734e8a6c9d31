"""The providers that help can be asked for at: what each offers, and what it needs to know for that.

The consent registry owns `recipient_id`; this directory refers to it.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.referral.errors import FieldRefused
from shared.contracts.categories import Category
from shared.contracts.envelope import Code

MOST_NEEDED = 6
"""Nobody is asked about more categories than they can weigh."""

RecipientId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$")]


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HelpGroup(StrEnum):
    """The kinds of help that figures are counted by."""

    DEBTS = "debts"
    EVICTION = "eviction"
    FLAT = "flat"
    SHELTER = "shelter"
    HEALTH = "health"
    ADDICTION = "addiction"
    FOOD = "food"
    WORK = "work"


class Offer(_Entry):
    """One service of a provider and the categories that it needs, at most six."""

    service: Code
    needed: Annotated[tuple[Category, ...], Field(min_length=1, max_length=MOST_NEEDED)]
    group: HelpGroup | None = None
    """As what it is counted. None: in no figure."""


class Provider(_Entry):
    """One organisation that helps."""

    recipient_id: RecipientId
    display_name: Annotated[str, Field(min_length=1, max_length=120)]
    services: Annotated[tuple[Offer, ...], Field(min_length=1)]
    hours: Annotated[str, Field(min_length=1, max_length=120)]
    languages: tuple[Language, ...] = ()
    """In which help is given there without an interpreter, besides German: ISO 639 codes."""
    accessibility: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    area: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    """For which part of the town it is there; None means for all of it."""


class DirectoryFile(_Entry):
    """The providers of a town, as its folder says it (`directory.json`)."""

    note: str
    providers: tuple[Provider, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [provider.recipient_id for provider in self.providers]
        if len(ids) != len(set(ids)):
            raise ValueError("a recipient_id stands there twice")
        groups: dict[str, HelpGroup | None] = {}
        for offer in (offer for provider in self.providers for offer in provider.services):
            if groups.setdefault(offer.service, offer.group) != offer.group:
                raise ValueError("a service is counted in two groups")
        return self


@dataclass(frozen=True, slots=True)
class Directory:
    """All providers by their recipient id."""

    providers: tuple[Provider, ...]

    def offer(self, recipient_id: str, service: str) -> Offer:
        """Return what a provider offers under a service code; refuse the field that does not fit."""
        offers = {one.recipient_id: {offer.service: offer for offer in one.services} for one in self.providers}
        if recipient_id not in offers:
            raise FieldRefused("recipient_id", "is not in the directory of providers")
        if service not in offers[recipient_id]:
            raise FieldRefused("service", "is not offered by this provider")
        return offers[recipient_id][service]

    def group_of(self, service: str) -> HelpGroup | None:
        """Return as what a service is counted, whoever offers it; None if in no figure."""
        offers = (offer for provider in self.providers for offer in provider.services)
        return next((offer.group for offer in offers if offer.service == service), None)


def read_directory(path: Path) -> Directory:
    """Read the directory file; a file that does not fit is an error at start."""
    return Directory(DirectoryFile.model_validate(json.loads(path.read_text(encoding="utf-8"))).providers)
