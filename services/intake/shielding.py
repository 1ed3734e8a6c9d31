"""The staff shield: somebody who is, or is related to, Jobcenter staff (§ 35 SGB I).

Who decides on personnel must hear nothing of them; the gate sees to it. No machine takes a shield off.
"""

from services.intake.store import Case
from shared.contracts.intake import CaseShielded
from shared.unit_of_work import UnitOfWork


def shield(work: UnitOfWork, case: Case) -> None:
    """Shield a case and announce it; a second time changes nothing."""
    if case.shielded_at is not None:
        return
    case.shielded_at = work.now
    work.announce(CaseShielded(case_id=case.case_id, person_id=case.person_id, shielded_at=work.now))
