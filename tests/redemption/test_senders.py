"""Partners and gateways: who they are is proved, never believed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core import keyfile
from core.db import Database, Session
from core.errors import ConfigurationError, InvalidInput, NotFound
from core.keyfile import KeyFile
from redemption import senders
from redemption.senders import ChannelKeys, NameTaken, SenderUnknown, SignedRequest
from redemption.tables import channel, partner
from staff import events
from staff.permissions import Actor, Forbidden
from tests.clocks import FakeClock
from tests.factories import make_member

BODY = '{"from":"13800001234","text":"余额"}'.encode()
NOW = datetime(2025, 6, 11, 1, 30, tzinfo=UTC)


@pytest.fixture
def keys_now(tmp_path: Path) -> KeyFile:
    return keyfile.create(tmp_path / "sender-keys.json")


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    with db.write() as opened:
        yield opened


@pytest.fixture
def admin_actor(session: Session) -> Actor:
    return make_member(session)


def signed(keys: ChannelKeys, at: datetime, name: str = "sms", body: bytes = BODY) -> SignedRequest:
    return SignedRequest(name, senders.sign(keys.hmac_secret, body, at), body)


def test_a_partner_is_known_by_its_key(session: Session, admin_actor: Actor) -> None:
    key = senders.add_partner(session, admin_actor, "支付宝", 50)
    other = senders.add_partner(session, admin_actor, "corner shop", 60)
    found = senders.authenticate_partner(session, key)
    assert (found.name, found.wrong_per_hour) == ("支付宝", 50)
    assert senders.authenticate_partner(session, other).name == "corner shop"
    assert key.startswith("wnp_")
    assert key != other


def test_a_partner_key_is_stored_only_as_a_hash(session: Session, admin_actor: Actor) -> None:
    key = senders.add_partner(session, admin_actor, "shop", 50)
    stored = session.execute(select(partner)).one()
    assert len(stored.key_hash) == 32
    assert key not in str(stored)
    assert key.encode() not in stored.key_hash


@pytest.mark.parametrize("key", ["", "wnp_", "wnp_guess", "\ud800", "\x00", "x" * 100_000])
def test_other_partner_keys_are_refused(session: Session, admin_actor: Actor, key: str) -> None:
    senders.add_partner(session, admin_actor, "shop", 50)
    with pytest.raises(SenderUnknown) as caught:
        senders.authenticate_partner(session, key)
    assert caught.value.code == "unauthenticated"


def test_a_partner_is_no_channel_and_a_channel_no_partner(
    session: Session, admin_actor: Actor, keys_now: KeyFile
) -> None:
    partner_key = senders.add_partner(session, admin_actor, "one", 50)
    channel_key = senders.add_channel(session, keys_now, admin_actor, "one").key
    with pytest.raises(SenderUnknown):
        senders.authenticate_channel(session, partner_key)
    with pytest.raises(SenderUnknown):
        senders.authenticate_partner(session, channel_key)


def test_a_disabled_partner_is_out_until_it_gets_a_new_key(
    session: Session, admin_actor: Actor
) -> None:
    old = senders.add_partner(session, admin_actor, "shop", 50)
    senders.disable_partner(session, admin_actor, "shop")
    with pytest.raises(SenderUnknown):
        senders.authenticate_partner(session, old)
    new = senders.rotate_partner_key(session, admin_actor, "shop")
    with pytest.raises(SenderUnknown):
        senders.authenticate_partner(session, old)
    assert senders.authenticate_partner(session, new).name == "shop"


def test_a_channel_is_known_by_its_key_or_by_its_signature(
    session: Session, admin_actor: Actor, keys_now: KeyFile
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    assert keys.key.startswith("wnc_")
    assert senders.authenticate_channel(session, keys.key).name == "sms"
    by_signature = senders.authenticate_signed(session, keys_now, signed(keys, session.now))
    assert by_signature == senders.authenticate_channel(session, keys.key)


def test_a_channel_secret_is_stored_only_encrypted(
    session: Session, admin_actor: Actor, keys_now: KeyFile
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    stored = session.execute(select(channel)).one()
    assert keys.hmac_secret.encode() not in stored.hmac_secret
    assert keys_now.unseal(stored.hmac_secret) == keys.hmac_secret.encode()
    assert keys.key not in repr(keys)
    assert keys.hmac_secret not in repr(keys)


@pytest.mark.parametrize("offset_s", [-300, 0, 300])
def test_a_signature_holds_for_five_minutes_either_way(
    session: Session, admin_actor: Actor, keys_now: KeyFile, offset_s: int
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    request = signed(keys, session.now + timedelta(seconds=offset_s))
    assert senders.authenticate_signed(session, keys_now, request).name == "sms"


@pytest.mark.parametrize("offset_s", [-301, 301])
def test_an_old_or_early_signature_is_refused(
    session: Session, admin_actor: Actor, keys_now: KeyFile, offset_s: int
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    request = signed(keys, session.now + timedelta(seconds=offset_s))
    with pytest.raises(SenderUnknown):
        senders.authenticate_signed(session, keys_now, request)


@pytest.mark.parametrize("name", ["ivr", "nobody", "", "\x00", "\ud800", "短信", "x" * 5_000])
def test_a_signature_is_good_for_its_own_channel_only(
    session: Session, admin_actor: Actor, keys_now: KeyFile, name: str
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    senders.add_channel(session, keys_now, admin_actor, "ivr")
    with pytest.raises(SenderUnknown):
        senders.authenticate_signed(session, keys_now, signed(keys, session.now, name))


def test_disabled_and_rotated_channels_lose_their_old_keys(
    db: Database, clock: FakeClock, keys_now: KeyFile
) -> None:
    with db.write() as session:
        actor = make_member(session)
        old = senders.add_channel(session, keys_now, actor, "sms")
        senders.disable_channel(session, actor, "sms")
    with db.write() as session:
        with pytest.raises(SenderUnknown):
            senders.authenticate_signed(session, keys_now, signed(old, clock()))
        with pytest.raises(SenderUnknown):
            senders.authenticate_channel(session, old.key)
        new = senders.rotate_channel_keys(session, keys_now, actor, "sms")
        with pytest.raises(SenderUnknown):
            senders.authenticate_signed(session, keys_now, signed(old, clock()))
        assert senders.authenticate_signed(session, keys_now, signed(new, clock())).name == "sms"
        assert senders.authenticate_channel(session, new.key).name == "sms"


def test_another_key_file_is_a_fault_of_ours_not_of_the_sender(
    session: Session, admin_actor: Actor, keys_now: KeyFile, tmp_path: Path
) -> None:
    keys = senders.add_channel(session, keys_now, admin_actor, "sms")
    other = keyfile.create(tmp_path / "other.json")
    with pytest.raises(ConfigurationError):
        senders.authenticate_signed(session, other, signed(keys, session.now))


def test_names_stay_taken(session: Session, admin_actor: Actor, keys_now: KeyFile) -> None:
    senders.add_partner(session, admin_actor, "shop", 50)
    senders.disable_partner(session, admin_actor, "shop")
    senders.add_channel(session, keys_now, admin_actor, "sms")
    with pytest.raises(NameTaken) as caught:
        senders.add_partner(session, admin_actor, " shop ", 50)
    assert caught.value.code == "name_taken"
    with pytest.raises(NameTaken):
        senders.add_channel(session, keys_now, admin_actor, "sms")


@pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 61, "a\x00b", "\ud800"])
def test_bad_names_are_refused(
    session: Session, admin_actor: Actor, keys_now: KeyFile, name: str
) -> None:
    with pytest.raises(InvalidInput):
        senders.add_partner(session, admin_actor, name, 50)
    with pytest.raises(InvalidInput):
        senders.add_channel(session, keys_now, admin_actor, name)
    with pytest.raises(InvalidInput):
        senders.disable_partner(session, admin_actor, name)


def test_a_channel_name_fits_a_header(
    session: Session, admin_actor: Actor, keys_now: KeyFile
) -> None:
    with pytest.raises(InvalidInput, match="ASCII"):
        senders.add_channel(session, keys_now, admin_actor, "短信")


@pytest.mark.parametrize("budget", [0, -1, 2**31, 10**400])
def test_a_budget_of_wrong_pins_is_above_zero(
    session: Session, admin_actor: Actor, budget: int
) -> None:
    with pytest.raises(InvalidInput):
        senders.add_partner(session, admin_actor, "shop", budget)


def test_only_who_manages_senders_may(session: Session, keys_now: KeyFile) -> None:
    issuer = make_member(session, "issuer")
    for work in (
        lambda: senders.add_partner(session, issuer, "shop", 50),
        lambda: senders.add_channel(session, keys_now, issuer, "sms"),
        lambda: senders.rotate_partner_key(session, issuer, "shop"),
        lambda: senders.disable_channel(session, issuer, "sms"),
    ):
        with pytest.raises(Forbidden):
            work()


def test_unknown_senders_are_not_found(
    session: Session, admin_actor: Actor, keys_now: KeyFile
) -> None:
    with pytest.raises(NotFound):
        senders.disable_partner(session, admin_actor, "shop")
    with pytest.raises(NotFound):
        senders.rotate_channel_keys(session, keys_now, admin_actor, "sms")


def test_lists_show_no_key_and_the_log_tells_every_change(
    session: Session, admin_actor: Actor
) -> None:
    first = senders.add_partner(session, admin_actor, "shop", 50)
    second = senders.rotate_partner_key(session, admin_actor, "shop")
    senders.disable_partner(session, admin_actor, "shop")
    log = events.list_events(session, "partner:shop")
    assert [event.kind for event in reversed(log)] == [
        "partner.added",
        "partner.key_rotated",
        "partner.disabled",
    ]
    shown = str(senders.list_partners(session)) + str(log)
    assert first not in shown
    assert second not in shown
    assert [(item.name, item.active) for item in senders.list_partners(session)] == [
        ("shop", False)
    ]


GOOD = senders.sign("secret", BODY, NOW)
STAMP, DIGEST = GOOD.split(",")


@pytest.mark.parametrize(
    "header",
    [
        GOOD,
        f"{STAMP}, {DIGEST}",
        f"{DIGEST},{STAMP}",
        f"{STAMP},v1={'0' * 64},{DIGEST}",
        f"{STAMP},{DIGEST},v1={'0' * 64}",
        f"{STAMP},v0=old,{DIGEST}",
    ],
)
def test_one_fitting_digest_of_several_is_enough(header: str) -> None:
    assert senders.signature_fits(b"secret", header, BODY, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        STAMP,
        DIGEST,
        f"{STAMP},{DIGEST.replace('v1', 'v0')}",
        f"{STAMP},{DIGEST.upper()}",
        f"{STAMP},{DIGEST[:-1]}",
        f"{STAMP},{STAMP},{DIGEST}",
        f"t=0{STAMP[2:]},{DIGEST}",
        f"t=-1,{DIGEST}",
        f"t=١٢٣,{DIGEST}",
        f"t=99999999999,{DIGEST}",
        f"t=,{DIGEST}",
        GOOD + "," * 1_000,
        "\ud800",
    ],
)
def test_other_headers_do_not_fit(header: str) -> None:
    assert not senders.signature_fits(b"secret", header, BODY, NOW)


def test_another_body_or_secret_does_not_fit() -> None:
    assert not senders.signature_fits(b"secret", GOOD, BODY + b" ", NOW)
    assert not senders.signature_fits(b"other", GOOD, BODY, NOW)


def test_the_signature_is_the_documented_one() -> None:
    header = senders.sign("secret", b"{}", datetime(2025, 1, 1, tzinfo=UTC))
    digest = "bb3efca2cccfb3880e5a86f476e669209a304cdedc1ca0e5e94f5a544e91f326"
    assert header == f"t=1735689600,v1={digest}"
