"""By type: nothing is agreed, under way or packed without the person's permission for this very plan."""

import ast
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from services.referral import packet, visit
from services.referral.errors import PlanChanged, ReferralError, TooEarlyToSetOut, WindowOver
from services.referral.visit import Agreed, Leaving, Over, Permission, Proposed, UnderWay
from services.referral.visit_state import VISIT_DONE_BY, VISIT_STEPS, VISIT_TRANSITIONS, VisitDeed, VisitState
from tests.referral.builders import NOON
from tests.referral.visits import END, START, a_permission, a_plan, a_proposed_visit

FOLDER = Path(visit.__file__).parent
MADE_IN = {
    "Agreed": {("visit.py", "agree")},
    "UnderWay": {("visit.py", "set_out")},
    "Permission": {("visiting.py", "permit"), ("visit_store.py", "_permission")},
}
"""Where each of what a visit cannot do without is made: in one function, the permission also where it is read back."""
BACK_DOORS = {"replace", "copy", "deepcopy", "__new__", "__setattr__", "__replace__", "cast", "setattr", "pickle"}
AGREED = a_proposed_visit(a_plan()).agree(a_permission(a_plan()))
UNDER_WAY = AGREED.set_out(START, check_out_by=END)


class Calls(ast.NodeVisitor):
    """Notes which function calls what."""

    def __init__(self, file: str) -> None:
        self.file, self.inside, self.found = file, "", set[tuple[str, tuple[str, str]]]()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Note in which function we are."""
        outside, self.inside = self.inside, node.name
        self.generic_visit(node)
        self.inside = outside

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is called."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        self.found.add((name, (self.file, self.inside)))
        self.generic_visit(node)


def calls() -> set[tuple[str, tuple[str, str]]]:
    """Return every call in this service."""
    found: set[tuple[str, tuple[str, str]]] = set()
    for path in sorted(FOLDER.glob("*.py")):
        reading = Calls(path.name)
        reading.visit(ast.parse(path.read_text(encoding="utf-8")))
        found |= reading.found
    return found


@pytest.mark.parametrize("name", sorted(MADE_IN))
def test_what_a_visit_cannot_do_without_is_made_in_one_place(name: str) -> None:
    assert {where for called, where in calls() if called == name} == MADE_IN[name]


def test_no_back_door_stands_open_where_visits_are_handled() -> None:
    doors = {
        (name, where) for name, where in calls() if name in BACK_DOORS and where[0].startswith(("visit", "packet"))
    }

    assert doors == {("replace", ("visit.py", "says_the_same")), ("replace", ("visit.py", "changed"))}


def test_only_an_agreed_visit_can_be_set_out_on_and_only_a_proposed_one_agreed_to() -> None:
    assert [one for one in (Proposed, Agreed, UnderWay, Leaving, Over) if hasattr(one, "set_out")] == [Agreed]
    assert [one for one in (Proposed, Agreed, UnderWay, Leaving, Over) if hasattr(one, "agree")] == [Proposed]
    assert get_type_hints(Proposed.agree) == {"permission": Permission, "return": Agreed}
    assert get_type_hints(Agreed.set_out)["return"] is UnderWay


def test_agreed_and_under_way_hold_a_permission_by_type() -> None:
    held = {
        one
        for one in (Proposed, Agreed, UnderWay, Leaving, Over)
        if get_type_hints(one).get("permission") is Permission
    }

    assert held == {Agreed, UnderWay}


def test_a_packet_takes_only_what_needs_a_permission() -> None:
    assert set(get_args(get_type_hints(packet.packet_of)["visit"])) == {Agreed, UnderWay}
    assert [one for one in (Proposed, Agreed, UnderWay, Leaving, Over) if hasattr(one, "permitted")] == [
        Agreed,
        UnderWay,
    ]


@pytest.mark.parametrize("other", [a_proposed_visit(a_plan()), UNDER_WAY.called_back(START)])
def test_a_packet_of_anything_else_cannot_be_made_at_all(other: Proposed | Leaving) -> None:
    with pytest.raises(AttributeError):
        packet.packet_of(other, packet_id="packet-0001", now=NOON)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("permitted", [AGREED, UNDER_WAY])
def test_a_packet_holds_the_least_that_the_visit_needs(permitted: Agreed | UnderWay) -> None:
    packed = packet.packet_of(permitted, packet_id="packet-0001", now=NOON).model_dump(exclude_none=True)

    assert packed == {
        "format": "gesehen.visit_packet.v1",
        "packet_id": "packet-0001",
        "visit_id": "visit-0001",
        "issued_at": NOON,
        "expires_at": END + timedelta(hours=24),
        "permission": {"plan_sha256": a_plan().sha256, "window": {"starts_at": START, "ends_at": END}},
        "purpose": "bring_papers",
        "workers": ("outreach_worker-1",),
        "where": "synthetic street 1, second courtyard",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"where": "elsewhere"},
        {"workers": ("outreach_worker-2",)},
        {"from_at": START + timedelta(minutes=1)},
        {"until_at": END - timedelta(minutes=1)},
        {"purpose": visit.Purpose.ACCOMPANY},
        {"ask_for": "ring twice"},
        {"language": "tr"},
        {"salt": "another"},
    ],
)
def test_a_permission_is_for_one_plan_in_every_detail(change: dict[str, object]) -> None:
    changed = replace(a_plan(), **change)  # type: ignore[arg-type]  # values of its fields

    with pytest.raises(PlanChanged):
        a_proposed_visit(changed).agree(a_permission(a_plan()))
    with pytest.raises(PlanChanged):
        replace(AGREED, plan=changed)
    with pytest.raises(PlanChanged):
        replace(UNDER_WAY, plan=changed)


@pytest.mark.parametrize(
    ("at", "refused"),
    [(NOON, TooEarlyToSetOut), (END, WindowOver), (END + timedelta(days=1), WindowOver)],
)
def test_a_permission_does_not_stand_outside_its_time(at: datetime, refused: type[ReferralError]) -> None:
    with pytest.raises(refused):
        AGREED.set_out(at, check_out_by=END)


def test_a_permission_that_ends_before_the_window_ends_it_too() -> None:
    short = a_proposed_visit(a_plan()).agree(a_permission(a_plan(), until_at=START))

    with pytest.raises(WindowOver):
        short.set_out(START, check_out_by=END)


def test_every_state_has_a_type_and_every_state_but_the_end_a_step() -> None:
    assert {one.state for one in get_args(visit.Visit)} == set(VisitState)
    assert set(VISIT_STEPS) == set(VisitState) - {VisitState.OVER}
    assert set(VISIT_TRANSITIONS) == set(VisitState)
    assert set(VISIT_DONE_BY) == set(VisitDeed)


def test_nothing_leads_to_setting_out_but_a_permission() -> None:
    into = {
        state: {(one, deed) for one, leads in VISIT_TRANSITIONS.items() for deed, to in leads.items() if to is state}
        for state in VisitState
    }

    assert into[VisitState.AGREED] == {(VisitState.PROPOSED, VisitDeed.PERMIT)}
    assert into[VisitState.UNDER_WAY] == {(VisitState.AGREED, VisitDeed.SET_OUT)}
    assert {one for one, _ in into[VisitState.LEAVING]} == {VisitState.UNDER_WAY}


def test_whoever_may_record_a_yes_may_record_a_no() -> None:
    assert VISIT_DONE_BY[VisitDeed.PERMIT] <= VISIT_DONE_BY[VisitDeed.SAY_NO]
    assert all(VisitDeed.SAY_NO in leads for state, leads in VISIT_TRANSITIONS.items() if state is not VisitState.OVER)
