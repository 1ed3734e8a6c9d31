"""A grant that is sent again is answered the same and recorded once: what the person decided meanwhile stands."""

from collections.abc import Callable

from services.consent.tables import AnsweredRequestRow
from shared.repeat import Repeatable
from shared.unit_of_work import UnitOfWork


def once(
    work: UnitOfWork, request: Repeatable | None, *, person_id: str, act: Callable[[UnitOfWork], dict[str, str]]
) -> dict[str, str]:
    """Act and return the receipt of each grant, unless the same request did before: then return those.

    Without a key, act.
    """
    if request is None:
        return act(work)
    place = f"answered_request.answer.{request.request_key}"
    known = work.session.get(AnsweredRequestRow, request.request_key)
    if known is not None:
        answered = work.unseal(known.person_id, place, known.answer)
        request.check_same(answered["body_sha256"])
        return dict(answered["receipts"])
    receipts = act(work)
    answer = {"body_sha256": request.body_sha256, "receipts": list(receipts.items())}  # in their order
    work.session.add(
        AnsweredRequestRow(
            request_key=request.request_key,
            person_id=person_id,
            answer=work.seal(person_id, place, answer),
            answered_at=work.now,
        )
    )
    return receipts
