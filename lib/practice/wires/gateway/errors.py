"""What Stripe says when it refuses: one exception, and one function for each sentence."""

from typing import Any

DOCUMENTATION = "https://docs.stripe.com/error-codes/"


class ApiError(Exception):
    """A refusal with its HTTP status and the fields of the body's `error` object."""

    def __init__(self, status: int, type: str, message: str, *, code: str | None = None, param: str | None = None,
                 **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        fields = {"code": code, "message": message, "param": param, "type": type, **details}
        if code:
            fields["doc_url"] = DOCUMENTATION + code.replace("_", "-")
        self.error: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        self.headers: dict[str, str] = {}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.error}


def invalid(message: str, *, code: str | None = None, param: str | None = None, status: int = 400,
            **details: Any) -> ApiError:
    """A request that Stripe understands and does not accept."""
    return ApiError(status, "invalid_request_error", message, code=code, param=param, **details)


def missing_object(kind: str, id: str, *, param: str = "id", hint: str = "") -> ApiError:
    """404 for an object named by the path, 400 for one named by a parameter; Stripe parts them this way."""
    status = 404 if param in ("id", "intent") else 400
    return invalid(f"No such {kind}: '{id}'{hint}", code="resource_missing", param=param, status=status)


def missing_param(name: str) -> ApiError:
    return invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_params(names: list[str]) -> ApiError:
    plural = "s" if len(names) > 1 else ""
    return invalid(f"Received unknown parameter{plural}: {', '.join(names)}", code="parameter_unknown", param=names[0])


def not_modelled(names: list[str]) -> ApiError:
    """A parameter that Stripe knows and this simulator does not: refused, because ignoring it would be a lie."""
    return invalid(f"The practice gateway does not model: {', '.join(names)}", param=names[0])


def unauthorized(message: str, code: str | None = None) -> ApiError:
    error = invalid(message, code=code, status=401)
    error.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return error


def card_error(message: str, code: str, decline_code: str | None, **details: Any) -> ApiError:
    return ApiError(402, "card_error", message, code=code, decline_code=decline_code, **details)


def idempotency_mismatch(key: str) -> ApiError:
    return ApiError(400, "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.")


def idempotency_in_use(key: str) -> ApiError:
    return ApiError(409, "idempotency_error",
                    f"There is currently another in-progress request using this idempotent key ({key}); "
                    "it is probably a retry of yours. Try again later.", code="idempotency_key_in_use")


def rate_limited(reason: str | None) -> ApiError:
    """429. `reason` becomes Stripe-Rate-Limited-Reason; None means a lock time-out, which carries no reason."""
    if reason is None:
        return invalid("This object cannot be accessed right now because another API request or Stripe process is "
                       "accessing it.", code="lock_timeout", status=429)
    error = invalid("Request rate limit exceeded. You can learn more about rate limits here "
                    "https://docs.stripe.com/rate-limits.", code="rate_limit", status=429)
    error.headers["Stripe-Rate-Limited-Reason"] = reason
    return error


def gateway_error(status: int) -> ApiError:
    """500, 502, 503: Stripe's own trouble."""
    return ApiError(status, "api_error", "An unknown error occurred on Stripe's side. Try again later.")
