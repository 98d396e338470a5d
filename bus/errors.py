"""Errors that say what to do next. The docstring is the default message."""

AMBIGUOUS = "ambiguous"
"""The reason of a failure that may be none: what was sent may have arrived, and nobody can know."""


class GatewayError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Rejected(GatewayError):
    """The request is refused and nothing of it was stored.

    `status` is the HTTP answer: 400 malformed, 401/403 not verified, 404 unknown, 413 too large, 429 too many.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Retryable(GatewayError):
    """Nothing happened at the far end; try again after `after` seconds (None: the caller's own backoff)."""

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Permanent(GatewayError):
    """The far end refused for good; `reason` is a short name that people and figures can use."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class Uncertain(GatewayError):
    """The far end may or may not have acted: never repeat blindly, look it up or show it to a person."""


class Unavailable(GatewayError):
    """The store cannot take this now; the caller answers 503 and its sender tries again."""


class Stale(GatewayError):
    """The lease was lost: another worker owns this conversation, and nothing of this write was kept."""


class Interrupted(GatewayError):
    """A person's word arrived: the turn ends without words."""


class Superseded(GatewayError):
    """A newer customer message arrived before anything was done: a new turn reads them all."""


class Diverged(GatewayError):
    """A recorded step does not match what this turn now asks for (other code, other input)."""
