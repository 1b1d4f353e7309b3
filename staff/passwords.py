"""Passwords: the rules, argon2id hashes at the library's defaults (0.1 to 0.2 s each)."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from core.errors import DomainError

MIN_LENGTH = 10
MAX_LENGTH = 200

_HASHER = PasswordHasher()


class WeakPassword(DomainError):
    """The password breaks a rule that the message names."""

    code = "password_weak"


class WrongPassword(DomainError):
    """The password given is not the account's."""

    code = "password_wrong"


def check_password(password: str, username: str) -> None:
    """Raise WeakPassword for one that is too short, too long, unprintable or the username."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in password):
        raise WeakPassword("a password has no control characters")
    if _normal(password).casefold() == username.casefold():
        raise WeakPassword("the password must not be the username")


def hash_password(password: str) -> str:
    """Return the argon2id hash; slow on purpose, so never on an event loop."""
    return _HASHER.hash(_normal(password))


def password_fits(stored_hash: str | None, password: str) -> bool:
    """Tell whether the password is the one; without a stored hash, False for the same work."""
    usable = len(password) <= MAX_LENGTH and _encodable(password)
    try:
        _HASHER.verify(stored_hash or _hash_of_nobody(), _normal(password) if usable else "")
    except VerifyMismatchError:
        return False
    return usable and stored_hash is not None


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("nobody signs in with this")


def _normal(password: str) -> str:
    # The same letters typed on another keyboard may be composed otherwise.
    return unicodedata.normalize("NFKC", password)


def _encodable(password: str) -> bool:
    return not any(unicodedata.category(sign) == "Cs" for sign in password)
