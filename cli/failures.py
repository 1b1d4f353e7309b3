"""What goes wrong, told in one line, and the exit code that scripts see."""

import json
import sys
import traceback
from dataclasses import dataclass, field
from typing import Any, NoReturn

from click.exceptions import Abort, ClickException, Exit, UsageError

from core.errors import ConfigurationError, DomainError, InvalidInput, TryLater

DONE = 0
REFUSED = 1
USAGE = 2
LATER = 3
NOT_SIGNED_IN = 4
INTERNAL = 70
INTERRUPTED = 130

EXIT_CODES: dict[int, str] = {
    DONE: "done; a request that waits for a second person counts as done",
    REFUSED: "refused by a rule; an invariant, a check or a line of an import failed",
    USAGE: "wrong usage, input or settings; or it could not be looked at all",
    LATER: "try later: nothing happened (database unreachable or busy)",
    NOT_SIGNED_IN: "nobody is signed in: wanneng login",
    INTERNAL: "a fault of the program",
    INTERRUPTED: "interrupted",
}

_NOT_SIGNED_IN_CODES = ("unauthenticated", "sign_in_failed")


class CouldNotLook(ConfigurationError):
    """What was asked for could not be looked at, so nothing is known."""

    code = "could_not_look"


@dataclass(frozen=True)
class Failure:
    """One error as it is told."""

    exit_code: int
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def tell(self, as_json: bool) -> None:
        """Write one line to stderr, or one JSON object to stdout. A PIN in it is masked."""
        from core.log import mask_text

        message = mask_text(self.message)
        if not as_json:
            sys.stderr.write(f"error {self.code}: {' '.join(message.split())}\n")
            return
        error = {"code": self.code, "message": message}
        if self.details:
            error["details"] = json.loads(mask_text(json.dumps(self.details, default=str)))
        sys.stdout.write(json.dumps({"error": error}, ensure_ascii=False) + "\n")


def end(exit_code: int) -> NoReturn:
    """End the command with an exit code; its result is already shown."""
    raise Exit(exit_code)


def failure_of(error: BaseException) -> Failure:
    """Return how an exception is told; what is no known error never shows its text."""
    if isinstance(error, DomainError):
        return Failure(exit_code_of(error), error.code, error.message, error.details)
    if isinstance(error, Abort | KeyboardInterrupt | EOFError):
        return Failure(INTERRUPTED, "interrupted", "stopped; what was committed stays")
    if isinstance(error, ClickException):
        return Failure(USAGE, "usage", _usage(error))
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(USAGE, "file", f"{error.filename}: {error.strerror}")
    return _database_failure(error) or _internal(error)


def exit_code_of(error: DomainError) -> int:
    """Return the exit code of a domain error."""
    if error.code in _NOT_SIGNED_IN_CODES:
        return NOT_SIGNED_IN
    if isinstance(error, InvalidInput | ConfigurationError):
        return USAGE
    return LATER if isinstance(error, TryLater) else REFUSED


def _usage(error: ClickException) -> str:
    message = error.format_message()
    if not isinstance(error, UsageError) or error.ctx is None:
        return message
    return f"{message.rstrip('.')}; see {error.ctx.command_path} --help"


def _database_failure(error: BaseException) -> Failure | None:
    if "sqlalchemy" not in sys.modules:  # not imported: then it is no error of the database
        return None
    from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    if isinstance(error, DBAPIError) and _lacks_schema(error):
        message = "the database has no schema of this program yet; run `wanneng init`"
        return Failure(USAGE, ConfigurationError.code, message)
    if isinstance(error, ProgrammingError) or not isinstance(error, OperationalError | PoolTimeout):
        return None
    message = "the database cannot be reached or is busy; see `wanneng doctor`"
    return Failure(LATER, "database_unavailable", message)


def _lacks_schema(error: Any) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state == "42P01" or "no such table" in str(error.orig)


def _internal(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
    message = f"a fault of the program ({type(error).__name__} at {place}); please report it"
    return Failure(INTERNAL, "internal", message)
