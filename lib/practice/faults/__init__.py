"""The faults a world can have, by the cause that a responder should arrive at."""

from practice.faults import (
    authentication_required,
    card_declines,
    database_rollback,
    database_unavailable,
    gateway_outage,
    invalid_api_key,
    invalid_requests,
    nothing_wrong,
    novel,
    rate_limited,
    test_key_in_production,
    webhook_handler_error,
    webhook_signature,
    wrong_environment,
)
from practice.faults.fault import Fault, UnknownFault

FAULTS: dict[str, Fault] = {
    fault.cause: fault
    for fault in (
        database_rollback.FAULT,
        invalid_api_key.FAULT,
        rate_limited.FAULT,
        test_key_in_production.FAULT,
        webhook_signature.FAULT,
        # What only looks like one of them, and what nobody has seen yet.
        gateway_outage.FAULT,
        invalid_requests.FAULT,
        webhook_handler_error.FAULT,
        database_unavailable.FAULT,
        wrong_environment.FAULT,
        card_declines.FAULT,
        authentication_required.FAULT,
        nothing_wrong.FAULT,
        novel.FAULT,
    )
}


def fault(cause: str) -> Fault:
    """Raises UnknownFault, whose text is one sentence for the terminal."""
    if cause not in FAULTS:
        raise UnknownFault(f"There is no fault `{cause}` to practise; choose from: {', '.join(sorted(FAULTS))}.")
    return FAULTS[cause]
