"""The key file: what must never stand in the database. One JSON file, mode 0600."""

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import secrets
import stat
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.errors import ConfigurationError
from core.files import sync_directory, write_new

MAX_LIVE = 4
"""Live key versions at most: each PIN that is looked up or drawn is tagged under all of them."""

_FORMAT: Final = "wanneng-keys-1"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PinKey:
    """One version of the PIN keys; its repr shows no key."""

    version: int
    tag_key: bytes = field(repr=False)
    verifier_key: bytes = field(repr=False)
    live: bool

    @property
    def check_value(self) -> str:
        """A short public fingerprint, by which a database knows its own key file."""
        both = self.tag_key + self.verifier_key
        return hmac.new(both, b"wanneng pin key check", hashlib.sha256).hexdigest()[:16]


class _StoredPinKey(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    tag_key: str
    verifier_key: str
    state: Literal["live", "retired"]


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["wanneng-keys-1"]
    current: int
    pin_keys: list[_StoredPinKey]
    signing_key: str
    sealing_key: str


@dataclass(frozen=True)
class KeyFile:
    """The keys of one installation, immutable; its repr shows only the key versions."""

    current_version: int
    pin_keys: dict[int, PinKey]
    _signing_key: bytes = field(repr=False)
    _sealing_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        live = [key for key in self.pin_keys.values() if key.live]
        current = self.pin_keys.get(self.current_version)
        if current is None or not current.live or len(live) > MAX_LIVE:
            raise ConfigurationError("the key file must hold one current and at most 4 live keys")
        raw = [key.tag_key for key in live] + [key.verifier_key for key in live]
        if any(len(key) != _KEY_BYTES for key in [*raw, self._signing_key, self._sealing_key]):
            raise ConfigurationError("the key file holds a key of a wrong length")

    @property
    def current(self) -> PinKey:
        """The version under which new cards are made."""
        return self.pin_keys[self.current_version]

    @property
    def live(self) -> tuple[PinKey, ...]:
        """The versions under which a card may exist: the current one first, then by age."""
        older = [key for key in self.pin_keys.values() if key.live and key != self.current]
        return (self.current, *sorted(older, key=lambda key: -key.version))

    def seal(self, plain: bytes) -> bytes:
        """Return `plain` encrypted and authenticated, for a secret that the database keeps."""
        return self._fernet.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """Return what `seal` was given; ConfigurationError when another key file sealed it."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise ConfigurationError("a secret was sealed under another key file") from None

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of `message`, 64 bytes."""
        return self._signer.sign(message)

    @property
    def public_key_text(self) -> str:
        """The Ed25519 public key that proves our signatures, 32 bytes in base64."""
        return _encode(self._signer.public_key().public_bytes_raw())

    @property
    def _fernet(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._sealing_key))

    @property
    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._signing_key)


class Keys:
    """The key file at a path, read again when the file was replaced, so servers see a rotation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._file: KeyFile | None = None

    def get(self) -> KeyFile:
        """Return the keys as they stand in the file now; ConfigurationError as for `load`."""
        seen = _identity(self.path)
        with self._lock:
            if self._file is None or seen != self._seen:
                self._file, self._seen = load(self.path), seen
            return self._file


def create(path: Path) -> KeyFile:
    """Make a key file with fresh keys, mode 0600; ConfigurationError if there is a file already."""
    keyfile = KeyFile(
        current_version=1,
        pin_keys={1: _fresh(1)},
        _signing_key=Ed25519PrivateKey.generate().private_bytes_raw(),
        _sealing_key=secrets.token_bytes(_KEY_BYTES),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        write_new(path, _serialise(keyfile))
    except FileExistsError:
        raise ConfigurationError(f"there is a key file already: {path}") from None
    return keyfile


def load(path: Path) -> KeyFile:
    """Read a key file; ConfigurationError when it is missing, readable by others or not ours."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o177:
                raise ConfigurationError(
                    f"the key file {path} has mode {mode:04o}; others may read it: chmod 600 it"
                )
            content = file.read()
    except OSError as error:
        raise ConfigurationError(
            f"the key file {path} cannot be read ({error.strerror}); `wanneng init` makes one"
        ) from None
    return _parse(path, content)


def rotate(path: Path) -> KeyFile:
    """Add a fresh PIN key version and make it current; ConfigurationError when 4 are live."""
    with _replacing(path):
        old = load(path)
        if len(old.live) >= MAX_LIVE:
            raise ConfigurationError("4 key versions are live already; retire one first")
        version = max(old.pin_keys) + 1
        pin_keys = {**old.pin_keys, version: _fresh(version)}
        return _store(path, replace(old, current_version=version, pin_keys=pin_keys))


def retire(path: Path, version: int) -> KeyFile:
    """Stop using an old version; ConfigurationError for the current or an unknown one."""
    with _replacing(path):
        old = load(path)
        if version not in old.pin_keys or version == old.current_version:
            raise ConfigurationError(f"key version {version} is unknown or the current one")
        retired = replace(old.pin_keys[version], live=False)
        return _store(path, replace(old, pin_keys={**old.pin_keys, version: retired}))


def _fresh(version: int) -> PinKey:
    return PinKey(
        version, secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES), live=True
    )


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigurationError(
            f"the key file {path} cannot be read ({error.strerror}); `wanneng init` makes one"
        ) from None
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _serialise(keyfile: KeyFile) -> bytes:
    stored = _Stored(
        format=_FORMAT,
        current=keyfile.current_version,
        pin_keys=[
            _StoredPinKey(
                key.version,
                _encode(key.tag_key),
                _encode(key.verifier_key),
                "live" if key.live else "retired",
            )
            for key in keyfile.pin_keys.values()
        ],
        signing_key=_encode(keyfile._signing_key),
        sealing_key=_encode(keyfile._sealing_key),
    )
    return msgspec.json.format(msgspec.json.encode(stored)) + b"\n"


def _parse(path: Path, content: bytes) -> KeyFile:
    try:
        stored = msgspec.json.decode(content, type=_Stored)
        versions = {key.version for key in stored.pin_keys}
        if len(versions) != len(stored.pin_keys):
            raise ConfigurationError("the key file names a version twice")
        return KeyFile(
            current_version=stored.current,
            pin_keys={key.version: _pin_key(key) for key in stored.pin_keys},
            _signing_key=_decode(stored.signing_key),
            _sealing_key=_decode(stored.sealing_key),
        )
    except (msgspec.DecodeError, binascii.Error, ValueError):
        # The cause is cut off: it may quote what stands in the file.
        raise ConfigurationError(f"{path} is not a key file of this program") from None


def _pin_key(stored: _StoredPinKey) -> PinKey:
    if not 1 <= stored.version <= 0xFFFF:
        raise ConfigurationError("a key version must be between 1 and 65535")
    return PinKey(
        stored.version,
        _decode(stored.tag_key),
        _decode(stored.verifier_key),
        live=stored.state == "live",
    )


def _store(path: Path, keyfile: KeyFile) -> KeyFile:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)  # left by a crash; we hold the directory's lock
    write_new(temporary, _serialise(keyfile))
    temporary.replace(path)
    sync_directory(path.parent)
    return keyfile


@contextmanager
def _replacing(path: Path) -> Generator[None]:
    # The lock sits on the directory, because the file itself is replaced.
    if not path.parent.is_dir():
        raise ConfigurationError(f"the key file {path} does not exist; `wanneng init` makes one")
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
