"""Valid things: answers, facts and what is asked of a person; events of the care circle; declarations; commands."""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.consent.declaration import Declaration, Evidence
from services.consent.domain import BENEFIT, Answer, Asked, Kind, KnownFact, Word
from shared.contracts.assessment import (
    AssessmentWorkCorrected,
    AssessmentWorkDone,
    AttendanceKind,
    AttendanceRecorded,
    ConclusionDrawn,
    Fact,
    FactRecorded,
    FactRemoved,
    RecommendationMade,
    StatementApproved,
)
from shared.contracts.categories import Category
from shared.contracts.intake import (
    CaseEnded,
    CaseOpened,
    Channel,
    Contact,
    ContactRecorded,
    Identity,
    IdentityRecorded,
    Origin,
)
from shared.contracts.referral import AppointmentArranged, ReferralClosed, ReferralRequested, ReferralWorkDone

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
BOTH_KINDS = frozenset(Kind)
JOBCENTER, CLINIC, DEBT_HELP = "jobcenter-essen", "lvr-klinik", "schuldnerhilfe"
JOBCENTERS_SIX = (
    Category.CONCLUSION,
    Category.RECOMMENDATION,
    Category.STATEMENT,
    Category.ATTENDANCE,
    Category.WORK,
    Category.CONTACT,
)
CLINICS_SIX = (
    Category.IDENTITY,
    Category.CONTACT,
    Category.MENTAL_HEALTH,
    Category.DEBTS,
    Category.STATEMENT,
    Category.APPOINTMENT,
)
SHA = "a" * 64


def new_id() -> str:
    """Return a random id as the services make them."""
    return secrets.token_urlsafe(16)


def asked(*categories: Category, **changes: Any) -> Asked:
    """Return what the Jobcenter could be told at the most."""
    values: dict[str, Any] = {
        "person_id": "person-1",
        "recipient_id": JOBCENTER,
        "purpose": BENEFIT,
        "kinds": BOTH_KINDS,
    }
    return Asked(categories=frozenset(categories or JOBCENTERS_SIX), **{**values, **changes})


def an_answer(category: Category, kind: Kind = Kind.DATA_CONSENT, word: Word = Word.YES, **changes: Any) -> Answer:
    """Return an answer, given at noon for half a year, that reaches back."""
    values: dict[str, Any] = {
        "answer_id": "answer-1",
        "grant_id": "grant-1",
        "person_id": "person-1",
        "recipient_id": JOBCENTER,
        "purpose": BENEFIT,
        "reaches_back": True,
        "given_at": NOON,
        "expires_at": None if word is Word.NO else NOON + 183 * DAY,
    }
    return Answer(category=category, kind=kind, word=word, **{**values, **changes})


def answers(category: Category, word: Word = Word.YES, **changes: Any) -> list[Answer]:
    """Return the same answer under both legal instruments."""
    return [an_answer(category, kind, word, **changes) for kind in sorted(BOTH_KINDS)]


def a_known_fact(category: Category, *, first_at: datetime | None = NOON - DAY, **changes: Any) -> KnownFact:
    """Return a professional's fact that the gate has known since the day before."""
    values: dict[str, Any] = {
        "fact_id": f"fact-{category.value}",
        "version": 1,
        "professional": True,
        "content": {},
        "first_recorded_at": first_at,
        "first_received_at": first_at or NOON - DAY,
    }
    return KnownFact(category=category, **{**values, **changes})


def _knowledge(person_id: str, at: datetime, fact_id: str | None, version: int) -> dict[str, Any]:
    return {"fact_id": fact_id or new_id(), "version": version, "person_id": person_id, "recorded_at": at}


def a_finding(
    person_id: str,
    domain: Category,
    code: str = "found",
    *,
    at: datetime = NOON,
    fact_id: str | None = None,
    version: int = 1,
    contested: bool = False,
    about_id: str | None = None,
    **fact: Any,
) -> FactRecorded:
    """Return a structured finding of one life domain."""
    return FactRecorded(
        **_knowledge(person_id, at, fact_id, version),
        case_id="case-0001",
        contested=contested,
        about_id=about_id,
        life_domain=domain,  # type: ignore[arg-type]  # the caller names a life domain
        fact=Fact(code=code, **fact),
    )


def a_conclusion(
    person_id: str,
    code: str = "able_part_time",
    *,
    at: datetime = NOON,
    fact_id: str | None = None,
    version: int = 1,
    contested: bool = False,
) -> ConclusionDrawn:
    """Return what is possible now."""
    known = _knowledge(person_id, at, fact_id, version)
    return ConclusionDrawn(**known, case_id="case-0001", code=code, contested=contested)


def a_statement(
    person_id: str,
    text: str = "I look for a flat.",
    *,
    at: datetime = NOON,
    fact_id: str | None = None,
    version: int = 1,
    about_id: str | None = None,
) -> StatementApproved:
    """Return a sentence that the person approved."""
    known = _knowledge(person_id, at, fact_id, version)
    return StatementApproved(**known, case_id="case-0001", text=text, about_id=about_id)


def a_recommendation(
    person_id: str, code: str = "debt_plan", *, at: datetime = NOON, fact_id: str | None = None, version: int = 1
) -> RecommendationMade:
    """Return what the team recommends."""
    return RecommendationMade(**_knowledge(person_id, at, fact_id, version), case_id="case-0001", code=code)


def an_attendance(
    person_id: str, on: date = date(2026, 3, 2), *, at: datetime = NOON, fact_id: str | None = None, version: int = 1
) -> AttendanceRecorded:
    """Return that the person came."""
    known = _knowledge(person_id, at, fact_id, version)
    return AttendanceRecorded(**known, case_id="case-0001", kind=AttendanceKind.TALK, attended_on=on)


def a_contact(
    person_id: str, address: str = "0201 555", *, at: datetime = NOON, fact_id: str | None = None, version: int = 1
) -> ContactRecorded:
    """Return how the person may be reached."""
    contact = Contact(channel=Channel.PHONE, address=address)
    return ContactRecorded(**_knowledge(person_id, at, fact_id, version), contact=contact)


def an_identity(
    person_id: str, name: str = "Testperson", *, at: datetime = NOON, fact_id: str | None = None, version: int = 1
) -> IdentityRecorded:
    """Return who the person is."""
    identity = Identity(name=name, born_on=date(1980, 1, 1))
    return IdentityRecorded(**_knowledge(person_id, at, fact_id, version), identity=identity)


def an_appointment(
    person_id: str, when: datetime = NOON + DAY, *, referral_id: str, at: datetime = NOON, version: int = 1
) -> AppointmentArranged:
    """Return a time that a provider offered in a referral."""
    known = _knowledge(person_id, at, referral_id, version)
    return AppointmentArranged(**known, referral_id=referral_id, appointment_at=when)


def work_for(person_id: str, work_id: str | None = None, *, units: int = 1) -> AssessmentWorkDone:
    """Return that work was done for a person."""
    return AssessmentWorkDone(work_id=work_id or new_id(), case_id="case-0001", person_id=person_id, units=units)


def visit_to(person_id: str, work_id: str | None = None, *, units: int = 1) -> ReferralWorkDone:
    """Return that somebody set out on a visit to a person."""
    return ReferralWorkDone(work_id=work_id or new_id(), case_id="case-0001", person_id=person_id, units=units)


def work_undone(person_id: str, work_id: str) -> AssessmentWorkCorrected:
    """Return that work was recorded by mistake."""
    return AssessmentWorkCorrected(work_id=work_id, person_id=person_id)


def a_funding(units: int = 10, line: str = "16A-2026", month: str = "2026-03", **changes: Any) -> dict[str, Any]:
    """Return that a Jobcenter funds units out of a budget line."""
    command = {"command_id": new_id(), "command": "fund", "budget_line": line, "month": month, "units": units}
    return {**command, **changes}


def a_removal(person_id: str, fact_id: str, version: int = 2) -> FactRemoved:
    """Return that a finding was wrong."""
    return FactRemoved(fact_id=fact_id, version=version, person_id=person_id, removed_at=NOON)


def a_case(person_id: str, commission_id: str | None = None) -> CaseOpened:
    """Return that a person has a case."""
    return CaseOpened(
        case_id="case-0001",
        person_id=person_id,
        commission_id=commission_id,
        origin=Origin.COMMISSIONED if commission_id else Origin.SELF,
        opened_at=NOON,
        first_contact_by=NOON.date(),
    )


def a_case_end(person_id: str, at: datetime = NOON) -> CaseEnded:
    """Return that a case is over."""
    return CaseEnded(case_id="case-0001", person_id=person_id, ended_at=at)


def a_referral(
    person_id: str,
    *needed: Category,
    recipient_id: str = CLINIC,
    referral_id: str | None = None,
    service: str = "day_clinic",
) -> ReferralRequested:
    """Return that a team asks a provider for help."""
    return ReferralRequested(
        referral_id=referral_id or new_id(),
        case_id="case-0001",
        person_id=person_id,
        recipient_id=recipient_id,
        service=service,
        needed=needed or CLINICS_SIX,
        requested_at=NOON,
    )


def a_closing(person_id: str, referral_id: str) -> ReferralClosed:
    """Return that a referral's loop is closed."""
    return ReferralClosed(referral_id=referral_id, person_id=person_id, closed_at=NOON)


def a_declaration(person_id: str, *categories: Category, word: Word = Word.YES, **changes: Any) -> Declaration:
    """Return a declaration towards the Jobcenter that reaches back, under both legal instruments."""
    values: dict[str, Any] = {
        "recipient_id": JOBCENTER,
        "purpose": BENEFIT,
        "words": dict.fromkeys(categories, word),
        "kinds": BOTH_KINDS,
        "reaches_back": True,
        "valid_for": 183 * DAY,
        "evidence": Evidence("paper", "de", "v1", SHA, None, "person_desk-1"),
    }
    return Declaration(person_id=person_id, **{**values, **changes})


def a_proof(**changes: Any) -> dict[str, Any]:
    """Return how a declaration can be proved, as the person's desk sends it."""
    return {
        "channel": "paper",
        "place": "elsewhere",
        "language": "de",
        "text_version": "v1",
        "text_sha256": SHA,
        "told_purpose": True,
        "told_refusal_is_free": True,
        "told_right_to_withdraw": True,
        **changes,
    }


def a_commission(reference: str = "BG-2026/0815", **changes: Any) -> dict[str, Any]:
    """Return a Jobcenter's order as it comes over the wire."""
    return {
        "command_id": new_id(),
        "command": "commission",
        "reference": reference,
        "service": "clarification",
        "deadline": "2026-06-30",
        "budget_line": "16A-2026",
        "contact": {"channel": "phone", "address": "0201 555 0100"},
        **changes,
    }


def a_cancellation(reference: str = "BG-2026/0815", **changes: Any) -> dict[str, Any]:
    """Return that the Jobcenter takes its commission back."""
    return {"command_id": new_id(), "command": "cancel_commission", "reference": reference, **changes}


def an_answer_to(reference: str, answer: str = "accepted", **changes: Any) -> dict[str, Any]:
    """Return a provider's answer to a referral."""
    command = {"command_id": new_id(), "command": "answer_referral", "reference": reference, "answer": answer}
    return {**command, **changes}
