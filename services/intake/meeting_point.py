"""Where somebody can be met without an address: a closed list of places, which a town names in its folder."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from shared.contracts.envelope import Code
from shared.contracts.town import Part

MEETING_POINTS_FILE: Final = "meeting_points.json"
ELSEWHERE: Final = "elsewhere"
"""What a contact names that was at none of them."""

Words = Annotated[str, Field(min_length=1, max_length=120)]


class MeetingPoint(Part):
    """A place where outreach workers are at known hours."""

    code: Code
    name: Words
    part_of_town: Words
    hours: Words


class MeetingPointsFile(Part):
    """The meeting points of a town."""

    note: str
    meeting_points: tuple[MeetingPoint, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        codes = [point.code for point in self.meeting_points]
        if len(codes) != len(set(codes)):
            raise ValueError("a code stands there twice")
        if ELSEWHERE in codes:
            raise ValueError(f"the code {ELSEWHERE} is taken: it means at none of them")
        return self
