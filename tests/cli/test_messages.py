"""Messages that did not leave, at the terminal."""

import pytest

from core.db import Database
from core.outbox import put
from core.tables import outbox
from tests.cli.terminal import Terminal


def test_a_message_given_up_is_listed_and_sent_again(terminal: Terminal, db: Database) -> None:
    with db.write() as session:
        message_id = put(session, "code", "+8613800001234", "Code 123456")
        session.execute(outbox.update().values(given_up_at=session.now, last_error="http_400"))
    terminal.become(db, "customer_service")
    (found,) = terminal.json("message", "list", "--state", "given_up")["messages"]
    assert (found["id"], found["recipient"]) == (str(message_id), "+86****1234")
    shown = terminal("message", "list").out
    assert "http_400" in shown and "123456" not in shown
    assert terminal.json("message", "resend", message_id)["state"] == "waiting"
    assert terminal("message", "resend", message_id).error == "message_not_given_up"
    assert terminal.json("message", "list", "--state", "given_up")["messages"] == []


def test_the_doctor_tells_of_gateways_and_of_what_was_given_up(
    terminal: Terminal, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write() as session:
        put(session, "receipt", "+8613800001234", "text")
        session.execute(outbox.update().values(given_up_at=session.now))
    monkeypatch.setenv("WANNENG_SMS_GATEWAY", "kannel+http://me@127.0.0.1:1/cgi-bin/sendsms?from=9")
    monkeypatch.setenv("WANNENG_SMS_GATEWAY_SECRET", "s3cret")
    monkeypatch.setenv("WANNENG_ALARM_GATEWAY", "pigeon://loft")
    ended = terminal("doctor", "--json")
    checks = {item["check"]: item for item in ended.json["checks"]}
    assert checks["text gateway"]["state"] == "failed"
    assert "no_answer" in checks["text gateway"]["found"]
    assert "may begin with" in checks["alarm gateway"]["found"]
    assert (checks["messages"]["state"], ended.code) == ("warning", 1)
    assert "s3cret" not in ended.out + terminal("settings").out
