"""The faults a world can have, by the cause that a responder should arrive at."""

from practice.faults import database_rollback, invalid_api_key, rate_limited, test_key_in_production, webhook_signature
from practice.faults.fault import Fault, UnknownFault

FAULTS: dict[str, Fault] = {
    fault.cause: fault
    for fault in (
        database_rollback.FAULT,
        invalid_api_key.FAULT,
        rate_limited.FAULT,
        test_key_in_production.FAULT,
        webhook_signature.FAULT,
    )
}


def fault(cause: str) -> Fault:
    """Raises UnknownFault, whose text is one sentence for the terminal."""
    if cause not in FAULTS:
        raise UnknownFault(f"There is no fault `{cause}` to practise; choose from: {', '.join(sorted(FAULTS))}.")
    return FAULTS[cause]
