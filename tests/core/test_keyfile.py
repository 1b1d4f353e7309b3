"""The key file: who may read it, what it shows, and how it changes."""

import base64
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core import keyfile
from core.errors import ConfigurationError
from core.keyfile import KeyFile, Keys, PinKey


@pytest.fixture
def path(scratch: Path) -> Path:
    return scratch / "private" / "keys.json"


@pytest.mark.parametrize("umask", [0o000, 0o277])
def test_only_the_owner_can_read_a_new_key_file_whatever_the_umask(path: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        path.parent.mkdir(mode=0o700)
        path.parent.chmod(0o700)
        keyfile.create(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_directory_of_a_new_key_file_is_private(path: Path) -> None:
    keyfile.create(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700, 0o666])
def test_a_key_file_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    keyfile.create(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        keyfile.load(path)


def test_a_key_file_is_read_back_as_it_was_made(path: Path) -> None:
    made = keyfile.create(path)
    assert keyfile.load(path) == made
    assert made.current.version == 1
    assert made.live == (made.current,)


def test_a_key_file_is_never_overwritten(path: Path) -> None:
    made = keyfile.create(path)
    with pytest.raises(ConfigurationError, match="already"):
        keyfile.create(path)
    assert keyfile.load(path) == made


def test_a_missing_key_file_is_told_with_the_command_that_makes_one(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="wanneng init"):
        keyfile.load(path)
    with pytest.raises(ConfigurationError, match="wanneng init"):
        Keys(path).get()
    with pytest.raises(ConfigurationError, match="wanneng init"):
        keyfile.rotate(path)


def _damaged(content: dict[str, Any], **changes: Any) -> str:
    return json.dumps({**content, **changes})


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda _: "[]",
        lambda _: "\x00\xff",
        lambda c: json.dumps(c)[:-5],
        lambda c: _damaged(c, format="other"),
        lambda c: _damaged(c, more=1),
        lambda c: _damaged(c, current=2),
        lambda c: _damaged(c, pin_keys=[]),
        lambda c: _damaged(c, pin_keys=c["pin_keys"] * 2),
        lambda c: _damaged(c, pin_keys=[{**c["pin_keys"][0], "version": 0}]),
        lambda c: _damaged(c, pin_keys=[{**c["pin_keys"][0], "state": "retired"}]),
        lambda c: _damaged(c, pin_keys=[{**c["pin_keys"][0], "tag_key": "AAAA"}]),
        lambda c: _damaged(c, signing_key="not base64!"),
        lambda c: _damaged(c, sealing_key="AAAA"),
    ],
)
def test_a_file_of_another_structure_is_refused_without_being_quoted(
    path: Path, damage: Any
) -> None:
    keyfile.create(path)
    content = json.loads(path.read_text())
    path.write_text(damage(content))
    with pytest.raises(ConfigurationError) as caught:
        keyfile.load(path)
    assert caught.value.__cause__ is None
    assert content["signing_key"] not in str(caught.value)


def test_no_key_stands_in_any_repr(path: Path) -> None:
    made = keyfile.create(path)
    shown = repr(made) + str(made) + repr(made.current) + repr(Keys(path)) + f"{made.live}"
    for secret in json.loads(path.read_text())["pin_keys"][0].values():
        if len(str(secret)) > 10:
            assert str(secret) not in shown
    for raw in (made.current.tag_key, made.current.verifier_key):
        assert repr(raw) not in shown
        assert raw.hex() not in shown
    assert base64.b64encode(made.current.tag_key).decode() not in shown


def test_a_rotation_makes_a_new_current_key_and_keeps_the_old_one_live(path: Path) -> None:
    made = keyfile.create(path)
    rotated = keyfile.rotate(path)
    assert [key.version for key in rotated.live] == [2, 1]
    assert rotated.pin_keys[1] == made.pin_keys[1]
    assert rotated.current.tag_key != made.current.tag_key
    assert rotated.public_key_text == made.public_key_text
    assert keyfile.load(path) == rotated
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_rotation_is_not_stopped_by_what_a_cut_one_left(path: Path) -> None:
    keyfile.create(path)
    path.with_name(path.name + ".new").write_text("half")
    assert keyfile.rotate(path).current.version == 2


def test_at_most_four_versions_are_live(path: Path) -> None:
    keyfile.create(path)
    for _ in range(3):
        keyfile.rotate(path)
    with pytest.raises(ConfigurationError, match="retire one"):
        keyfile.rotate(path)
    keyfile.retire(path, 1)
    assert [key.version for key in keyfile.rotate(path).live] == [5, 4, 3, 2]


def test_a_retired_version_is_no_longer_live_and_the_current_one_cannot_be_retired(
    path: Path,
) -> None:
    keyfile.create(path)
    keyfile.rotate(path)
    assert [key.version for key in keyfile.retire(path, 1).live] == [2]
    for version in (2, 3):
        with pytest.raises(ConfigurationError):
            keyfile.retire(path, version)


def test_a_running_process_sees_a_rotation_by_another(path: Path) -> None:
    keyfile.create(path)
    keys = Keys(path)
    assert keys.get().current.version == 1
    assert keys.get() is keys.get()
    keyfile.rotate(path)
    assert keys.get().current.version == 2


def test_two_rotations_at_once_lose_none(path: Path) -> None:
    keyfile.create(path)
    threads = [threading.Thread(target=keyfile.rotate, args=(path,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(keyfile.load(path).pin_keys) == [1, 2, 3, 4]


def test_what_is_sealed_opens_under_the_same_file_only(path: Path, scratch: Path) -> None:
    made, other = keyfile.create(path), keyfile.create(scratch / "other.json")
    sealed = made.seal(b"secret")
    assert b"secret" not in sealed
    assert keyfile.load(path).unseal(sealed) == b"secret"
    with pytest.raises(ConfigurationError):
        other.unseal(sealed)


def test_a_signature_is_proved_by_the_public_key(path: Path) -> None:
    made = keyfile.create(path)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(made.public_key_text))
    public.verify(made.sign(b"text"), b"text")
    with pytest.raises(InvalidSignature):
        public.verify(made.sign(b"text"), b"other")


def test_a_check_value_tells_keys_apart_and_shows_none(path: Path, scratch: Path) -> None:
    made, other = keyfile.create(path), keyfile.create(scratch / "other.json")
    assert made.current.check_value == keyfile.load(path).current.check_value
    assert made.current.check_value != other.current.check_value
    assert made.current.check_value not in made.current.tag_key.hex()


def test_a_key_file_needs_a_live_current_key() -> None:
    retired = PinKey(1, b"k" * 32, b"v" * 32, live=False)
    with pytest.raises(ConfigurationError):
        KeyFile(1, {1: retired}, b"s" * 32, b"f" * 32)
