"""Messages leave by the configured gateway: what is sent, and what its answers lead to."""

import json
import socket
from dataclasses import replace
from email import message_from_string, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from core.db import Database
from core.errors import ConfigurationError
from core.gateways.gsm import is_gsm
from core.gateways.routes import alarm_gateway, kinds_of, routes, text_gateway
from core.outbox import GatewayTrouble, put, record_report, send_due
from core.settings import Settings
from core.tables import outbox
from tests.clocks import FakeClock
from tests.core.far_end import LOST, FarEnd, far_end, post_office

PHONE = "+8613800001234"
RECEIPT = "充值50.00元，户号尾号4567。"


def kannel(end: FarEnd, more: str = "") -> Settings:
    return Settings(
        sms_gateway=f"kannel+http://me@127.0.0.1:{end.port}/cgi-bin/sendsms?from=95598{more}",
        sms_gateway_secret="s3cret",
    )


def twilio(end: FarEnd, options: str = "from=%2B15550001111") -> Settings:
    return Settings(
        sms_gateway=f"twilio+http://AC1@127.0.0.1:{end.port}?{options}", sms_gateway_secret="s3cret"
    )


def write(db: Database, body: str = RECEIPT, kind: str = "receipt") -> int:
    with db.write() as session:
        return put(session, kind, PHONE, body)


def row(db: Database) -> Any:
    with db.read() as session:
        return session.execute(select(outbox)).one()


def test_kannel_gets_chinese_as_ucs2_with_number_password_and_report_address(db: Database) -> None:
    with far_end() as end:
        message_id = write(db)
        reports = "&reports=http%3A%2F%2Four%3A8000%2Fdlr%3Fk%3Dx"
        assert send_due(db, routes(kannel(end, reports))) == 1
    (got,) = end.got
    assert (got.method, got.path) == ("GET", "/cgi-bin/sendsms")
    wanted = {
        "username": "me", "password": "s3cret", "from": "95598", "to": PHONE,
        "text": RECEIPT, "charset": "UTF-8", "coding": "2", "dlr-mask": "31",
    }  # fmt: skip
    assert {name: got.query[name] for name in wanted} == wanted
    report = urlsplit(got.query["dlr-url"])
    assert report.netloc == "our:8000"
    assert parse_qs(report.query)["id"] == [str(message_id)]
    assert parse_qs(report.query)["d"] == ["%d"]
    assert row(db).sent_at is not None


def test_kannel_gets_english_in_the_gsm_alphabet_and_numbers_as_asked(db: Database) -> None:
    with far_end() as end:
        write(db, "Top-up OK: CNY 50.00 to a/c ..4567.")
        send_due(db, routes(kannel(end, "&plus=no&smsc=A")))
    assert (end.got[0].query["coding"], end.got[0].query["to"]) == ("0", PHONE[1:])
    assert end.got[0].query["smsc"] == "A"
    assert "dlr-url" not in end.got[0].query


@pytest.mark.parametrize("status", [400, 413])
def test_what_the_gateway_refuses_for_good_is_given_up_at_once(db: Database, status: int) -> None:
    with far_end((status, "Missing receiver number, rejected")) as end:
        write(db)
        sink = routes(kannel(end))
        assert send_due(db, sink) == 1
        assert send_due(db, sink) == 0
    found = row(db)
    assert found.given_up_at is not None and found.sent_at is None
    assert (found.last_error, len(end.got)) == (f"http_{status}", 1)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_trouble_is_put_off_until_the_tries_are_used_up(
    db: Database, clock: FakeClock, status: int
) -> None:
    with far_end((status, "")) as end:
        write(db)
        sink = routes(kannel(end))
        for _ in range(db.settings.message_attempts):
            assert row(db).given_up_at is None
            assert send_due(db, sink) == 1
            clock.now = max(row(db).due_at, clock())
        assert send_due(db, sink) == 0
    assert len(end.got) == db.settings.message_attempts
    assert row(db).given_up_at is not None
    assert row(db).last_error == f"http_{status}"


def test_an_answer_that_was_lost_repeats_the_message_under_the_same_id(
    db: Database, clock: FakeClock
) -> None:
    with far_end((LOST, ""), (202, "0: Accepted")) as end:
        message_id = write(db)
        sink = routes(kannel(end, "&reports=http%3A%2F%2Four%2Fdlr"))
        send_due(db, sink)
        assert row(db).last_error == "no_answer_RemoteDisconnected"
        clock.advance(seconds=5)
        send_due(db, sink)
        assert send_due(db, sink) == 0
    ids = [parse_qs(urlsplit(got.query["dlr-url"]).query)["id"] for got in end.got]
    assert ids == [[str(message_id)]] * 2
    assert row(db).sent_at is not None


def test_messages_go_out_together_and_each_once(db: Database) -> None:
    with far_end() as end:
        with db.write() as session:
            for number in range(40):
                put(session, "receipt", PHONE, f"text {number}")
        assert send_due(db, routes(kannel(end)), at_once=8) == 40
        assert send_due(db, routes(kannel(end)), at_once=8) == 0
    assert sorted(got.query["text"] for got in end.got) == sorted(f"text {n}" for n in range(40))


def test_a_crash_repeats_only_what_had_no_answer(db: Database, clock: FakeClock) -> None:
    """Each message is marked when its gateway has answered, not when all have."""

    class Killed(BaseException):
        pass

    with far_end() as end:
        with db.write() as session:
            for number in range(3):
                put(session, "receipt", PHONE, f"text {number}")
        real = routes(kannel(end))

        class Dying:
            def send(self, message: Any) -> None:
                if message.body == "text 2":
                    raise Killed
                real.send(message)

        with pytest.raises(Killed):
            send_due(db, Dying())
        clock.advance(seconds=200)
        assert send_due(db, real) == 1
    assert [got.query["text"] for got in end.got] == ["text 0", "text 1", "text 2"]


def test_twilio_gets_a_form_with_basic_authentication_and_the_id(db: Database) -> None:
    with far_end((201, '{"sid": "SM1"}')) as end:
        message_id = write(db)
        assert send_due(db, routes(twilio(end))) == 1
    (got,) = end.got
    assert (got.method, got.path) == ("POST", "/2010-04-01/Accounts/AC1/Messages.json")
    assert got.form == {"To": PHONE, "Body": RECEIPT, "From": "+15550001111"}
    assert got.headers["Authorization"] == "Basic QUMxOnMzY3JldA=="
    assert got.headers["Idempotency-Key"] == str(message_id)


def test_twilio_may_send_by_a_service_and_report_back(db: Database) -> None:
    with far_end((201, "{}")) as end:
        message_id = write(db)
        send_due(db, routes(twilio(end, "service=MG1&reports=https%3A%2F%2Four%2Fs%3Fk%3Dx")))
    form = end.got[0].form
    assert (form["MessagingServiceSid"], "From" in form) == ("MG1", False)
    assert form["StatusCallback"] == f"https://our/s?k=x&id={message_id}"


@pytest.mark.parametrize(
    ("status", "code", "is_final"),
    [(400, 21211, True), (400, 21611, False), (429, 20429, False), (401, 20003, False)],
)
def test_twilios_own_codes_tell_refusals_from_trouble(
    db: Database, status: int, code: int, is_final: bool
) -> None:
    with far_end((status, json.dumps({"code": code, "message": f"about {PHONE}"}))) as end:
        write(db)
        send_due(db, routes(twilio(end)))
    assert (row(db).given_up_at is not None) is is_final
    assert str(code) in row(db).last_error or row(db).last_error == f"http_{status}"
    assert PHONE not in row(db).last_error


def test_alarms_go_another_way_than_texts(db: Database) -> None:
    with far_end() as texts, far_end((204, "")) as alarms:
        settings = replace(
            kannel(texts),
            alarm_gateway=f"webhook+http://127.0.0.1:{alarms.port}/duty",
            alarm_gateway_secret="t0ken",
        )
        write(db, "Code 123456", kind="code")
        write(db, "pack_held: 42\nlook at it", kind="alarm")
        assert send_due(db, routes(settings)) == 2
    assert [got.query["text"] for got in texts.got] == ["Code 123456"]
    (got,) = alarms.got
    body = json.loads(got.body)
    assert (body["kind"], body["text"]) == ("alarm", "pack_held: 42\nlook at it")
    assert (got.path, got.headers["Authorization"]) == ("/duty", "Bearer t0ken")
    assert got.headers["Idempotency-Key"] == body["id"]


def test_alarms_go_by_mail(db: Database) -> None:
    with post_office() as office:
        url = f"smtp://127.0.0.1:{office.port}?to=duty@example.com&from=wanneng@example.com"
        message_id = write(db, "pack_held: 4225\n冻结100张卡", kind="alarm")
        assert send_due(db, routes(Settings(alarm_gateway=url))) == 1
        assert alarm_gateway(Settings(alarm_gateway=url)).check() == "answers"
    mail = message_from_string(office.mails[0], policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("duty@example.com", "[wanneng] pack_held: 4225")
    assert str(message_id) in mail["Message-ID"]
    assert row(db).sent_at is not None


@pytest.mark.parametrize(("answer", "is_final"), [("550 no such box", True), ("451 later", False)])
def test_a_mail_server_refuses_or_puts_off(db: Database, answer: str, is_final: bool) -> None:
    with post_office(refusing=answer) as office:
        url = f"smtp://127.0.0.1:{office.port}?to=duty@example.com&from=wanneng@example.com"
        write(db, "alarm", kind="alarm")
        send_due(db, routes(Settings(alarm_gateway=url)))
    assert (row(db).given_up_at is not None) is is_final
    assert row(db).last_error == f"smtp_{answer[:3]}"


def test_no_password_goes_over_a_connection_that_is_not_encrypted() -> None:
    with post_office() as office:
        url = f"smtp://me@127.0.0.1:{office.port}?to=a@example.com&from=b@example.com"
        with pytest.raises(ConfigurationError, match="no connection"):
            alarm_gateway(Settings(alarm_gateway=url, alarm_gateway_secret="s3cret")).check()


def test_over_smpp_the_serving_process_leaves_texts_to_the_one_that_is_bound(db: Database) -> None:
    settings = Settings(sms_gateway="smpp://me@127.0.0.1:2775?from=95598")
    write(db)
    assert send_due(db, routes(settings), kinds=kinds_of(settings)) == 0
    write(db, "alarm", kind="alarm")
    assert send_due(db, routes(settings), kinds=kinds_of(settings)) == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("pigeon://loft", "may begin with"),
        ("smtp://h?to=a&from=b", "may begin with"),
        ("kannel+http:///cgi-bin/sendsms", "no host"),
        ("kannel+http://h/?form=95598", "no option form"),
        ("kannel+http://me:s3cret@h/", "_SECRET_FILE"),
        ("twilio://AC1@h", "from"),
        ("smpp://me@h", "from"),
        ("smpp://me@h?from=1&from-ton=x", "number"),
        ("nothing", "must begin"),
        ("http://[", "not a URL"),
    ],
)
def test_a_wrong_address_is_told_before_anything_starts(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        routes(Settings(sms_gateway=url))
    assert "s3cret" not in str(caught.value)


def test_a_secret_comes_from_a_private_file(scratch: Path) -> None:
    path = scratch / "secret"
    path.write_text("s3cret\n")
    settings = Settings(sms_gateway="kannel+http://me@h/", sms_gateway_secret_file=str(path))
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        routes(settings)
    path.chmod(0o600)
    with far_end((400, "Missing receiver number, rejected")) as end:
        whole = replace(kannel(end), sms_gateway_secret="", sms_gateway_secret_file=str(path))
        assert "knows our password" in text_gateway(whole).check()
    assert end.got[0].query["password"] == "s3cret"
    assert "to" not in end.got[0].query  # nothing was sent by the look


def test_a_look_tells_a_wrong_password_from_no_answer() -> None:
    refused = far_end((403, "Authorization failed for sendsms"))
    with refused as end, pytest.raises(ConfigurationError, match="password"):
        text_gateway(kannel(end)).check()
    with pytest.raises(GatewayTrouble, match="no_answer"):
        text_gateway(kannel(end)).check()
    with far_end((200, "{}")) as end:
        assert "token" in text_gateway(twilio(end)).check()
    with far_end((401, "{}")) as end, pytest.raises(ConfigurationError, match="token"):
        text_gateway(twilio(end)).check()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        smpp = Settings(sms_gateway=f"smpp://me@127.0.0.1:{port}?from=95598")
        assert text_gateway(smpp).check() == "takes connections"


def test_neither_secret_nor_text_stands_in_a_repr() -> None:
    settings = Settings(sms_gateway_secret="s3cret", alarm_gateway_secret="t0ken")
    assert "s3cret" not in repr(settings) and "t0ken" not in repr(settings)


def test_reports_come_late_twice_and_out_of_order(db: Database) -> None:
    message_id = write(db)
    seen = []
    for delivery in ("accepted", "delivered", "accepted", "failed", "delivered"):
        with db.write() as session:
            assert record_report(session, message_id, delivery)
        seen.append(row(db).delivery)
    assert seen == ["accepted", "delivered", "delivered", "delivered", "delivered"]
    with db.write() as session:
        assert not record_report(session, 1, "delivered")


@pytest.mark.parametrize(
    ("text", "fits"), [("Top-up OK: 50.00 €", True), ("充值", False), ("naïve", False), ("", True)]
)
def test_the_gsm_alphabet(text: str, fits: bool) -> None:
    assert is_gsm(text) is fits
