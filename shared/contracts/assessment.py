"""What the assessment service announces: facts per life domain, approved statements, recommendations, conclusions."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from shared.contracts import care, figures
from shared.contracts.categories import LIFE_DOMAINS, Category, LabelledBy, Structural
from shared.contracts.envelope import CareEvent, Code, Disclosable, Id, Sources, Value

LifeDomain = Literal[
    Category.LIVELIHOOD,
    Category.HOUSING,
    Category.PHYSICAL_HEALTH,
    Category.MENTAL_HEALTH,
    Category.ADDICTION,
    Category.DEBTS,
    Category.FAMILY,
    Category.SAFETY,
    Category.PAPERS,
    Category.LANGUAGE,
    Category.DAILY_STRUCTURE,
    Category.WORK,
]


CONTESTABLE = LIFE_DOMAINS | {Category.RECOMMENDATION, Category.CONCLUSION, Category.ATTENDANCE}
"""What a professional found and a person can contest; a statement is the person's own word."""


def marked(content: dict[str, Any], *, contested: bool) -> dict[str, Any]:  # Any: JSON values
    """Return a finding with the note without which it may not be passed on (§ 84 (2) SGB X); no note if uncontested."""
    return {**content, "contested": True} if contested else content


class Fact(Value):
    """A structured finding. It holds no free text: codes, a severity, a month, an amount."""

    code: Code = Field(repr=False)
    severity: int = Field(default=0, ge=0, le=4, repr=False)
    since_on: date | None = Field(default=None, repr=False)
    amount_cents: Annotated[int, Field(ge=0)] | None = Field(default=None, repr=False)


class AttendanceKind(StrEnum):
    """What the person came to."""

    FIRST_TALK = "first_talk"
    TALK = "talk"


class CaseTaken(CareEvent):
    """A team and a named member are now responsible for a case."""

    event_type: ClassVar[str] = "assessment.case_taken.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    team_id: Structural[Id]
    responsible_id: Structural[Id]
    taken_at: Structural[datetime]


class AssessmentStepPlanned(care.StepPlanned):
    """What the team owes a person next."""

    event_type: ClassVar[str] = "assessment.step_planned.v1"


class AssessmentFinished(CareEvent):
    """The team has nothing more to do in a case. Why is not said: not found, nothing needed, helped look the same."""

    event_type: ClassVar[str] = "assessment.finished.v1"

    case_id: Structural[Id]
    person_id: Structural[Id]
    finished_at: Structural[datetime]


class FactRecorded(Disclosable):
    """A finding in one life domain, new or corrected (a higher version of the same fact)."""

    event_type: ClassVar[str] = "assessment.fact_recorded.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    contested: Structural[bool] = False
    about_id: Structural[Id | None] = None
    life_domain: Annotated[LifeDomain, LabelledBy("life_domain")] = Field(repr=False)
    fact: Annotated[Fact, LabelledBy("life_domain")] = Field(repr=False)

    def category(self) -> Category:
        """Return the life domain."""
        return Category(self.life_domain)

    def content(self) -> dict[str, Any]:
        """Return the finding and its day; the contested mark travels with it (§ 84 (2) SGB X)."""
        value = self.fact.model_dump(mode="json", exclude_none=True)
        value["recorded_on"] = self.recorded_at.date().isoformat()
        return marked(value, contested=self.contested)


class FactRemoved(CareEvent):
    """A finding was wrong and is gone; nothing of it may be told any more."""

    event_type: ClassVar[str] = "assessment.fact_removed.v1"

    fact_id: Structural[Id]
    version: Structural[int]
    person_id: Structural[Id]
    removed_at: Structural[datetime]


class StatementApproved(Disclosable):
    """A sentence that the person approved word by word: the only free text that can ever leave."""

    event_type: ClassVar[str] = "assessment.statement_approved.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    about_id: Structural[Id | None] = None
    derived_from: Structural[Sources | None] = None
    text: Annotated[str, StringConstraints(min_length=1, max_length=2000), Category.STATEMENT] = Field(repr=False)

    def category(self) -> Category:
        """Return `statement`."""
        return Category.STATEMENT

    def content(self) -> dict[str, Any]:
        """Return the sentence and the day of its approval."""
        return {"text": self.text, "approved_on": self.recorded_at.date().isoformat()}


class RecommendationMade(Disclosable):
    """What the team recommends, as a code."""

    event_type: ClassVar[str] = "assessment.recommendation_made.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    contested: Structural[bool] = False
    derived_from: Structural[Sources | None] = None
    code: Annotated[Code, Category.RECOMMENDATION] = Field(repr=False)

    def category(self) -> Category:
        """Return `recommendation`."""
        return Category.RECOMMENDATION

    def content(self) -> dict[str, Any]:
        """Return the code and its day, with the contested mark."""
        value = {"code": self.code, "recommended_on": self.recorded_at.date().isoformat()}
        return marked(value, contested=self.contested)


class ConclusionDrawn(Disclosable):
    """What is possible now, without diagnoses (the Teil A idea of the federal medical service)."""

    event_type: ClassVar[str] = "assessment.conclusion_drawn.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    contested: Structural[bool] = False
    derived_from: Structural[Sources | None] = None
    code: Annotated[Code, Category.CONCLUSION] = Field(repr=False)

    def category(self) -> Category:
        """Return `conclusion`."""
        return Category.CONCLUSION

    def content(self) -> dict[str, Any]:
        """Return the code and its day, with the contested mark."""
        value = {"code": self.code, "decided_on": self.recorded_at.date().isoformat()}
        return marked(value, contested=self.contested)


class AttendanceRecorded(Disclosable):
    """The person came to a talk. It feeds sanctions elsewhere, so it needs a grant of its own like anything else."""

    event_type: ClassVar[str] = "assessment.attendance_recorded.v1"
    professional: ClassVar[bool] = True

    fact_id: Structural[Id]
    version: Structural[int]
    case_id: Structural[Id]
    person_id: Structural[Id]
    recorded_at: Structural[datetime]
    contested: Structural[bool] = False
    kind: Annotated[AttendanceKind, Category.ATTENDANCE] = Field(repr=False)
    attended_on: Annotated[date, Category.ATTENDANCE] = Field(repr=False)

    def category(self) -> Category:
        """Return `attendance`."""
        return Category.ATTENDANCE

    def content(self) -> dict[str, Any]:
        """Return kind and day, with the contested mark."""
        value = {"kind": self.kind.value, "attended_on": self.attended_on.isoformat()}
        return marked(value, contested=self.contested)


class AssessmentWorkDone(care.WorkDone):
    """A talk that is paid for took place; it says no more than any other work."""

    event_type: ClassVar[str] = "assessment.work_done.v1"


class AssessmentWorkCorrected(care.WorkCorrected):
    """That talk was recorded by mistake."""

    event_type: ClassVar[str] = "assessment.work_corrected.v1"


class AssessmentErasureConfirmed(CareEvent):
    """In this service the person's keys are destroyed and their rows deleted."""

    event_type: ClassVar[str] = "assessment.person_erasure_confirmed.v1"
    sealed_for: ClassVar[str] = "erasure_id"

    erasure_id: Structural[Id]
    confirmed_at: Structural[datetime]


class AssessmentFiguresCounted(figures.FiguresCounted):
    """What assessment counted of a quarter, for the town's steering. It is about nobody."""

    event_type: ClassVar[str] = "assessment.figures_counted.v1"
