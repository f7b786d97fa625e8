"""Every sentence the service logs, in one place, so that yesterday's lines and today's are written alike."""

from pathlib import Path
from traceback import extract_tb

from practice.wires.service.records import Level, Record

PACKAGE = Path(__file__).parent
INSTALLED_AT = "/app/payments"


def started(at: float, version: str) -> Record:
    return Record(at, "info", "Bootstrap", f"payments service {version} started", {"version": version})


def access(at: float, method: str, path: str, status: int, ms: int) -> Record:
    level: Level = "error" if status >= 500 else "warn" if status >= 400 else "info"
    fields = {"method": method, "path": path, "status": status, "ms": ms}
    return Record(at, level, "HTTP", f"{method} {path} {status} {ms}ms", fields)


def stripe_call(at: float, method: str, path: str, status: int, ms: int, request_id: str) -> Record:
    fields = {"method": method, "path": path, "status": status, "ms": ms, "request_id": request_id}
    return Record(at, "info", "StripeClient", f"stripe {method} {path} {status} {ms}ms", fields)


def stripe_refusal(
    at: float, method: str, path: str, status: int, ms: int, request_id: str,
    *, kind: str, error_type: str, code: str, decline_code: str, message: str, reason: str = "",
) -> Record:
    """`kind` is the SDK's exception, `error_type` Stripe's word for it, `reason` its header on a rate limit; status 0
    means that no answer came."""
    fields: dict[str, str | int] = {"method": method, "path": path, "status": status, "ms": ms}
    extras = {"request_id": request_id, "type": error_type, "code": code, "decline_code": decline_code}
    extras |= {"reason": reason, "message": message}
    fields |= {name: value for name, value in extras.items() if value}
    label = "/".join(word for word in (error_type, code, decline_code) if word)
    msg = f"stripe {method} {path} {status} {ms}ms" + (f" ({reason})" if reason else "")
    return Record(at, "error", "StripeClient", msg, fields, f"{kind} [{label}]: {message}")


def webhook_received(at: float, event: str, kind: str) -> Record:
    return Record(at, "info", "WebhookController", f"webhook {event} {kind} received", {"event": event, "type": kind})


def webhook_processed(at: float, event: str, intent: str) -> Record:
    fields = {"event": event, "intent": intent}
    return Record(at, "info", "WebhookController", f"webhook {event} processed {intent}", fields)


def webhook_duplicate(at: float, event: str) -> Record:
    return Record(at, "info", "WebhookController", f"webhook {event} is a duplicate, skipped", {"event": event})


def webhook_unknown(at: float, event: str, intent: str) -> Record:
    fields = {"event": event, "intent": intent}
    return Record(at, "warn", "WebhookController", f"webhook {event} names no payment of ours: {intent}", fields)


def webhook_failed(at: float, event: str, intent: str, error: str, code: str, stack: str) -> Record:
    """`error` is Postgres' own first line, `code` its SQLSTATE (empty when the driver failed before the server)."""
    fields = {"event": event, "intent": intent} | ({"code": code} if code else {})
    return Record(at, "error", "WebhookController", f"webhook {event} failed: {error}", fields, stack)


def signature_refused(at: float, reason: str) -> Record:
    return Record(at, "error", "WebhookController", f"Webhook signature verification failed: {reason}")


def payment_declined(at: float, intent: str, code: str, decline_code: str) -> Record:
    fields = {"intent": intent, "code": code} | ({"decline_code": decline_code} if decline_code else {})
    reason = f"{code} ({decline_code})" if decline_code else code
    return Record(at, "warn", "PaymentsController", f"payment {intent} failed: {reason}", fields)


def request_failed(at: float, method: str, path: str, error: str, code: str, stack: str) -> Record:
    fields = {"method": method, "path": path} | ({"code": code} if code else {})
    return Record(at, "error", "PaymentsController", f"{method} {path} failed: {error}", fields, stack)


def mail_sent(at: float, intent: str) -> Record:
    return Record(at, "info", "Mailer", f"confirmation mail sent for {intent}", {"intent": intent})


def mail_failed(at: float, intent: str, error: str) -> Record:
    return Record(at, "error", "Mailer", f"confirmation mail for {intent} failed: {error}", {"intent": intent})


def first_line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def stack_of(problem: BaseException, code: str) -> str:
    """The error, Postgres' detail, and our own frames, innermost first, as an application log shows them."""
    frames = [
        (frame.name, Path(frame.filename).name)
        for frame in reversed(extract_tb(problem.__traceback__))
        if Path(frame.filename).parent == PACKAGE
    ]
    return stack(type(problem).__name__, code, str(problem).splitlines() or [""], frames)


def stack(kind: str, code: str, lines: list[str], frames: list[tuple[str, str]]) -> str:
    """`frames` are (function, file) pairs; line numbers are left out, as in a build without source maps."""
    head = f"{kind}{f' [{code}]' if code else ''}: {lines[0]}"
    return "\n".join([head, *lines[1:], *(f"    at {name} ({INSTALLED_AT}/{file})" for name, file in frames)])
