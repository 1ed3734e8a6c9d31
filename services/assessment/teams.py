"""Who works where: teams with their members, professions, languages and how many cases each can carry; and who is
proposed for a case, with reasons. The machine proposes, a named human takes it (Art. 22 GDPR).

Pure rules: no clock, no database, no broker.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.contracts.town import Language, Part


class Reason(StrEnum):
    """Why somebody is proposed, or comes later."""

    SPEAKS_LANGUAGE = "speaks_language"
    DOES_NOT_SPEAK_LANGUAGE = "does_not_speak_language"
    HAS_PROFESSION = "has_profession"
    HAS_OTHER_PROFESSION = "has_other_profession"
    HAS_ROOM = "has_room"
    IS_FULL = "is_full"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a team."""

    member_id: str
    team_id: str
    professions: frozenset[str]
    languages: frozenset[str]
    capacity: int


class MemberSaid(Part):
    """Somebody of a team, as the file says it."""

    member_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    professions: tuple[str, ...]
    languages: tuple[Language, ...]
    capacity: Annotated[int, Field(strict=True, ge=0, le=500)]


class TeamSaid(Part):
    """A team, as the file says it."""

    team_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    members: tuple[MemberSaid, ...]


class TeamsFile(Part):
    """Who works where, as a town's folder says it (`teams.json`)."""

    note: str = ""
    teams: tuple[TeamSaid, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        members = self.all_members()
        if len(members) != len({member.member_id for member in members}):
            raise ValueError("a member_id stands there twice")
        return self

    def all_members(self) -> list[Member]:
        """Return everybody, each with their team."""
        return [
            Member(one.member_id, team.team_id, frozenset(one.professions), frozenset(one.languages), one.capacity)
            for team in self.teams
            for one in team.members
        ]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Somebody who could take a case, and what speaks for and against it."""

    member_id: str
    team_id: str
    reasons: tuple[Reason, ...]
    free: int


@dataclass(frozen=True, slots=True)
class Teams:
    """All teams. Without any, everybody is taken for known."""

    members: Mapping[str, Member] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the file; one that does not fit is an error at start."""
        return cls({member.member_id: member for member in TeamsFile.model_validate_json(text).all_members()})

    def refusal(self, *, team_id: str, responsible_id: str, absent: Set[str]) -> tuple[str, str] | None:
        """Return which field cannot be accepted and why; None if this team and member can take a case.

        A team may be responsible as a whole, until one of its members takes the case.
        """
        if responsible_id in absent:
            return "responsible_id", "is away"
        if not self.members:
            return None
        if team_id not in {member.team_id for member in self.members.values()}:
            return "team_id", "is no team"
        if responsible_id == team_id:
            return None
        member = self.members.get(responsible_id)
        if member is None:
            return "responsible_id", "is nobody's of a team"
        return ("responsible_id", "belongs to another team") if member.team_id != team_id else None

    def propose(
        self, *, language: str | None, profession: str | None, carried: Mapping[str, int], absent: Set[str]
    ) -> list[Proposal]:
        """Return who could take a case, whoever fits best first; who is away is not among them."""
        present = [member for member in self.members.values() if member.member_id not in absent]
        found = [_proposal(member, language, profession, carried.get(member.member_id, 0)) for member in present]
        return sorted(
            found, key=lambda one: (*(reason in _AGAINST for reason in one.reasons), -one.free, one.member_id)
        )


_AGAINST = frozenset({Reason.DOES_NOT_SPEAK_LANGUAGE, Reason.HAS_OTHER_PROFESSION, Reason.IS_FULL})


def _proposal(member: Member, language: str | None, profession: str | None, carried: int) -> Proposal:
    """Say it in the order in which it weighs: room, then language, then profession."""
    free = member.capacity - carried
    reasons = [Reason.HAS_ROOM if free > 0 else Reason.IS_FULL]
    if language is not None:
        reasons.append(Reason.SPEAKS_LANGUAGE if language in member.languages else Reason.DOES_NOT_SPEAK_LANGUAGE)
    if profession is not None:
        reasons.append(Reason.HAS_PROFESSION if profession in member.professions else Reason.HAS_OTHER_PROFESSION)
    return Proposal(member.member_id, member.team_id, tuple(reasons), free)
