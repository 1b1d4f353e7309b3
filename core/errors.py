"""The root of all errors that a caller can be told about."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A request that cannot be carried out; nothing was changed.

    `code` is stable and part of the interface; the message is English for people; `details` are
    safe to show to the caller (never a PIN).
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(DomainError):
    """A value that is not of the form asked for."""

    code = "invalid_input"


class NotFound(DomainError):
    """Nothing is stored under that name or number."""

    code = "not_found"


class TryLater(DomainError):
    """Nothing happened; the same request may be sent again."""

    code = "try_later"


class ConfigurationError(DomainError):
    """The program must not start like this."""

    code = "configuration"
