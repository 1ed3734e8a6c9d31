"""What whoever visits takes along: the least that the visit needs, and only of one that the person has permitted.

Only the two types that need a permission have what is read here, so a packet of any other visit cannot be made.
"""

from services.referral.visit import Agreed, UnderWay


def packet_of(visit: Agreed | UnderWay) -> dict[str, str | list[str]]:
    """Return the packet of a visit: no name, no case, nothing about the person but how to ask for them."""
    plan = visit.permitted
    packet: dict[str, str | list[str]] = {
        "visit_id": visit.visit_id,
        "purpose": plan.purpose.value,
        "workers": list(plan.workers),
        "from_at": plan.from_at.isoformat(),
        "until_at": plan.until_at.isoformat(),
        "where": plan.where,
    }
    also = {"ask_for": plan.ask_for, "language": plan.language}
    return packet | {name: value for name, value in also.items() if value is not None}
