"""The same hostile inputs at every door: the same verdicts, nothing redeemed, never a 500."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import httpx
from sqlalchemy import func, select

from redemption.tables import attempt
from tests.api.conftest import Crew
from tests.api.hostile import hostile
from tests.api.test_dialogues import Call
from tests.api.test_kannel import Sms
from tests.api.test_twiml_sms import message
from tests.api.test_ussd import form
from tests.api.twiml_phone import PUBLIC_URL, SMS, VOICE, TwimlPhone, mobile, post, signature
from tests.api.world import World
from vouchers.pins import draw

TEXTS = hostile()
BAD_UTF_8 = (b"\xff\xfe\xfd", b"CZ \xc3\x28 1", b"\xed\xa0\x80", b"\xf0\x28\x8c\xbc")


def refused(world: World) -> int:
    """Return how many tries of unknown PINs there are."""
    with world.db.read() as session:
        rows = select(func.count()).where(attempt.c.code == "pin_unknown")
        return int(session.execute(rows).scalar_one())


def by_text(crew: Crew, text: str) -> tuple[str, str, str | None]:
    """Return the replies of the three doors for texts, each to a sender of its own."""
    client, world = crew.client, crew.world
    twiml = post(client, SMS, message(text, mobile()))
    assert twiml.status_code == 200
    kannel = Sms(text, mobile(), secrets.token_hex(8)).post(client, world)
    assert kannel.status_code == 200
    body = {"from": mobile(), "text": text, "message_id": secrets.token_hex(8)}
    plain = client.post("/channels/sms/plain", headers=world.as_gateway(), json=body)
    assert plain.status_code in (200, 422)
    told = plain.json()["reply"] if plain.status_code == 200 else None
    return ElementTree.fromstring(twiml.content).findtext("Message") or "", kannel.text, told


def test_texts_get_the_same_answers_at_every_door(crew: Crew) -> None:
    before, account = refused(crew.world), crew.world.account()
    sent = [f"CZ {account} {text}" for text in TEXTS] + TEXTS
    with ThreadPoolExecutor(8) as pool:
        for text, (twiml, kannel, plain) in zip(
            sent, pool.map(lambda t: by_text(crew, t), sent), strict=True
        ):
            assert twiml == kannel, repr(text[:50])
            assert plain in (None, twiml), repr(text[:50])
            assert "50.00元" not in twiml
    assert refused(crew.world) == before


def heard_by_voice(crew: Crew, texts: list[str], account: str) -> list[bool]:
    """Return, for keys at the question for the PIN, whether they were called malformed."""
    phone = TwimlPhone(crew.client)
    phone.ring().press("2", "1", f"{account}#", "1")
    told = []
    for text in texts:
        phone.take(phone.send(phone.path, text))
        told.append("Digits of the PIN" in phone.heard)
    return told


def heard_by_json(crew: Crew, texts: list[str], account: str) -> list[bool | None]:
    """Do the same over JSON; None where a text is refused: it is not of keys."""
    call = Call(crew.client, crew.world)
    call.press(None, "2", "1", f"{account}#", "1")
    told: list[bool | None] = []
    for text in texts:
        answer = call.send(call.turn + 1, text)
        assert answer.status_code in (200, 422), (answer.status_code, repr(text[:50]))
        if answer.status_code == 422:
            told.append(None)
            continue
        call.turn += 1
        told.append("Digits of the PIN" in str(answer.json()["prompts"]))
    return told


def shown_by_ussd(crew: Crew, text: str, account: str) -> bool:
    """Do the same at a display."""
    session, url = form(f"2*1*{account}*1"), f"/channels/ussd/{crew.world.gateway.key}"
    assert crew.client.post(url, data=session).text.startswith("CON 18-digit")
    answer = crew.client.post(url, data=session | {"text": f"{session['text']}*{text}"})
    assert answer.status_code == 200
    assert answer.text[:4] in ("CON ", "END ")
    return "Digits of the PIN" in answer.text


def test_keys_get_the_same_verdicts_at_every_door(crew: Crew) -> None:
    before, account = refused(crew.world), crew.world.account()
    pairs = [TEXTS[n : n + 2] for n in range(0, len(TEXTS), 2)]
    with ThreadPoolExecutor(8) as pool:
        voice = [
            each
            for told in pool.map(lambda p: heard_by_voice(crew, p, account), pairs)
            for each in told
        ]
        display = list(pool.map(lambda t: shown_by_ussd(crew, t, account), TEXTS))
        as_json = [
            each
            for told in pool.map(lambda p: heard_by_json(crew, p, account), pairs)
            for each in told
        ]
    taken = [(t, a, c) for t, a, c in zip(TEXTS, voice, as_json, strict=True) if c is not None]
    assert [repr(t[:50]) for t, a, c in taken if a != c] == []
    # What no keypad has is refused as such, and is no turn: a machine made it, not a caller.
    assert {text for text, _, _ in taken} == {t for t in TEXTS if re.fullmatch("[0-9*#]{0,64}", t)}
    differ = [repr(t[:50]) for t, a, b in zip(TEXTS, voice, display, strict=True) if a != b]
    assert differ == []
    assert sum(voice) > 400
    assert refused(crew.world) == before


def test_full_width_digits_are_digits_everywhere(client: httpx.Client, world: World) -> None:
    def wide(text: str) -> str:
        return "".join(chr(ord(each) + 0xFEE0) for each in text)

    account = world.account()
    for answer in by_text(Crew(world, None, client), f"CZ {account} {wide(draw().digits)}"):  # type: ignore[arg-type]
        assert "密码有误" in (answer or "")
    phone = TwimlPhone(client).ring().press("2", "1", f"{account}#", "1")
    assert "not valid" in phone.take(phone.send(phone.path, wide(draw().digits))).heard
    url = f"/channels/ussd/{world.gateway.key}"
    typed = form(f"2*1*{account}*1*{wide(draw().digits)}")
    assert "not valid" in client.post(url, data=typed).text


def test_what_is_not_utf_8_is_no_command_anywhere(client: httpx.Client, world: World) -> None:
    for raw in BAD_UTF_8:
        kannel = Sms("", mobile(), secrets.token_hex(8)).post(client, world, content=raw)
        assert "未能识别" in kannel.text or "18位" in kannel.text
        text = raw.decode("utf-8", "replace")
        sent = message(text, mobile())
        body = "&".join(
            f"{name}={''.join(f'%{byte:02X}' for byte in value)}"
            for name, value in ((k, raw if k == "Body" else v.encode()) for k, v in sent.items())
        )
        signed = {
            "X-Twilio-Signature": signature(PUBLIC_URL + SMS, sent),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        twiml = client.post(SMS, content=body, headers=signed)
        assert ElementTree.fromstring(twiml.content).findtext("Message") == kannel.text


def test_bodies_of_a_megabyte_are_refused_everywhere(client: httpx.Client, world: World) -> None:
    big, key = "1" * 1_000_000, world.gateway.key
    answers = [
        post(client, VOICE, {"CallSid": "CA1", "Digits": big}),
        post(client, SMS, message(big, mobile())),
        Sms(big, mobile(), "m1").post(client, world),
        client.post(f"/channels/ussd/{key}", data=form(big)),
        Call(client, world).send(1, big),
    ]
    assert [answer.status_code for answer in answers] == [413] * 5


def test_a_header_that_lies_about_parts_changes_nothing(client: httpx.Client, world: World) -> None:
    for udh in ("%05%00%03%07%FF%09", "%FF", "x" * 500, "%00"):
        more = {"X-Kannel-UDH": udh, "X-Kannel-Coding": "9"}
        answer = Sms("BZ", mobile(), secrets.token_hex(8)).post(client, world, **more)
        assert "充值" in answer.text
    for charset in ("utf-7", "../x", "idna", "rot13", "zip"):
        more = {"Content-Type": f"text/plain; charset={charset}"}
        answer = Sms("BZ", mobile(), secrets.token_hex(8)).post(client, world, **more)
        assert "充值" in answer.text
