"""What a voucher is and what can happen to it. Pure: the states as data, the number, and what its signature is over.

A voucher is worth one unit of help out of a budget line. It is spent once, billed once and paid back once; there is no
way back from any state, so none can be used twice. Outside only `billed` and what is paid back in tens can be seen.
"""

from enum import StrEnum
from secrets import token_urlsafe

_SERIAL_BYTES = 16


class VoucherState(StrEnum):
    """Where a voucher stands."""

    UNSPENT = "unspent"
    SPENT = "spent"
    VOID = "void"
    BILLED = "billed"
    CREDITED = "credited"
    REPAID = "repaid"


class VoucherAct(StrEnum):
    """What can happen to a voucher."""

    WORK = "work was done"
    CORRECTION = "it was recorded by mistake"
    STATEMENT = "a statement names it"
    UPHELD = "a dispute is settled for the Jobcenter"
    REPAYMENT = "a statement pays it back"


_S = VoucherState

TRANSITIONS: dict[VoucherAct, dict[VoucherState, VoucherState]] = {
    VoucherAct.WORK: {_S.UNSPENT: _S.SPENT},
    VoucherAct.CORRECTION: {_S.SPENT: _S.VOID, _S.BILLED: _S.CREDITED},
    VoucherAct.STATEMENT: {_S.SPENT: _S.BILLED},
    VoucherAct.UPHELD: {_S.BILLED: _S.CREDITED},
    VoucherAct.REPAYMENT: {_S.CREDITED: _S.REPAID},
}
"""Every change that a voucher can go through. Whatever is not here changes nothing."""

ON_A_STATEMENT = frozenset({_S.BILLED, _S.CREDITED, _S.REPAID})
"""The states of a voucher that the Jobcenter has seen."""


def after(state: VoucherState, act: VoucherAct) -> VoucherState:
    """Return the state after an act; the same if the act means nothing to a voucher that stands there."""
    return TRANSITIONS[act].get(state, state)


def new_serial() -> str:
    """Return a number that says nothing: neither when a voucher was made nor what comes next."""
    return token_urlsafe(_SERIAL_BYTES)
