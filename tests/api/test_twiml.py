"""TwiML without a server: our signatures and documents are those of the provider's own package."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather, VoiceResponse

from api.forms import MOST_FIELDS, TooManyFields, read_fields, value_of
from api.twiml import Voice, is_signed, message_document, reply_document
from redemption.dialogue.call_records import CallReply, Said
from redemption.dialogue.state import Expect

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "From": "+12349013030",
    "To": "+18005551212",
    "Caller": "+12349013030",
    "Digits": "1234",
}
VOICE = Voice({"zh": "cmn-CN", "en": "en-US"}, lambda _said, _language: (), "https://a.example/v")
words = st.text(st.characters(codec="utf-8"), max_size=20)


def test_the_published_example_fits() -> None:
    assert is_signed(["12345"], URL, list(FORM.items()), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")
    assert not is_signed(["12346"], URL, list(FORM.items()), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")
    assert not is_signed([], URL, list(FORM.items()), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")


@given(
    form=st.dictionaries(words, words, max_size=6),
    query=st.sampled_from(["", "?turn=3", "?turn=3&ev=silence", "?a=%E4%B8%AD"]),
    host=st.sampled_from(
        ["https://a.example", "https://a.example:443", "http://a.example:8080/up"]
    ),
    algorithm=st.sampled_from([None, "HMAC_SHA1", "HMAC_SHA256"]),
)
def test_signatures_agree_with_the_providers_package(
    form: dict[str, str], query: str, host: str, algorithm: str | None
) -> None:
    url = f"{host}/voice{query}"
    theirs = RequestValidator("secret").compute_signature(url, form, algorithm)
    named = f"key=k1,algorithm={algorithm}" if algorithm else ""
    fields = list(form.items())
    assert is_signed(["other", "secret"], url, fields, theirs, named)
    assert not is_signed(["other"], url, fields, theirs, named)
    assert not is_signed(["secret"], url, [*fields, ("x", "y")], theirs, named)
    assert not is_signed(["secret"], url + "1", fields, theirs, named)


def test_the_usual_port_makes_no_difference() -> None:
    for signed, called in (("https://a.example:443/v", "https://a.example/v"),) * 2:
        theirs = RequestValidator("s").compute_signature(signed, {})
        assert is_signed(["s"], called, [], theirs)
    theirs = RequestValidator("s").compute_signature("https://a.example/v", {})
    assert is_signed(["s"], "https://a.example:443/v", [], theirs)


def test_several_values_of_a_name_are_signed_as_the_provider_does() -> None:
    class Several(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    theirs = RequestValidator("s").compute_signature(URL, Several(a=["2", "1", "2"]))
    assert is_signed(["s"], URL, [("a", "2"), ("a", "1"), ("a", "2")], theirs)


@pytest.mark.parametrize("settings", ["algorithm=MD5", "key=1,algorithm=none"])
def test_another_digest_never_fits(settings: str) -> None:
    theirs = RequestValidator("s").compute_signature(URL, {})
    assert not is_signed(["s"], URL, [], theirs, settings)


@given(signature=st.text(max_size=300))
def test_no_signature_makes_it_fail(signature: str) -> None:
    assert not is_signed(["s"], URL, [("\udcff", "\x00")], signature)


def reply(text: str, expect: Expect | None, end: bool = False, language: str = "zh") -> CallReply:
    """Return a reply that says a text."""
    said = (Said("menu", {}, text),)
    return CallReply("CA1", 4, "menu", language, said, expect, end)


def same(ours: bytes, theirs: object) -> None:
    """See that two documents are one."""
    left, right = ElementTree.fromstring(ours), ElementTree.fromstring(str(theirs).encode())
    assert [(e.tag, e.attrib, e.text) for e in left.iter()] == [
        (e.tag, e.attrib, e.text) for e in right.iter()
    ]


TEXTS = ["请按1", "<Hangup/>&\"'", "王<小&明>"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_question_for_one_key_is_as_the_package_writes_it(text: str) -> None:
    gather = Gather(
        input="dtmf",
        num_digits=1,
        finish_on_key="",
        timeout=8,
        method="POST",
        action="https://a.example/v?turn=5",
    )
    gather.say(text, language="cmn-CN")
    theirs = VoiceResponse()
    theirs.append(gather)
    theirs.redirect("https://a.example/v?turn=5&ev=silence", method="POST")
    same(reply_document(reply(text, Expect("key", 1, 1)), VOICE), theirs)


def test_a_question_for_digits_ends_with_its_key_only() -> None:
    gather = Gather(
        input="dtmf",
        finish_on_key="#",
        timeout=8,
        method="POST",
        action="https://a.example/v?turn=5",
    )
    gather.say("PIN", language="en-US")
    theirs = VoiceResponse()
    theirs.append(gather)
    theirs.redirect("https://a.example/v?turn=5&ev=silence", method="POST")
    asked = Expect("digits", 18, 18, "#", sensitive=True)
    same(reply_document(reply("PIN", asked, language="en"), VOICE), theirs)


def test_recordings_are_played_where_there_are_any() -> None:
    def clips(_said: Said, language: str) -> list[str]:
        return [f"https://a.example/prompts/{language}/{n}.wav" for n in ("a", "b")]

    theirs = VoiceResponse()
    theirs.play("https://a.example/prompts/zh/a.wav")
    theirs.play("https://a.example/prompts/zh/b.wav")
    theirs.hangup()
    voice = Voice(VOICE.languages, clips, VOICE.action)
    same(reply_document(reply("再见", None, end=True), voice), theirs)


@pytest.mark.parametrize("text", ["", *TEXTS])
def test_a_text_back_is_as_the_package_writes_it(text: str) -> None:
    theirs = MessagingResponse()
    if text:
        theirs.message(text)
    same(message_document(text), theirs)


@given(text=st.text())
def test_whatever_a_name_holds_the_document_can_be_read(text: str) -> None:
    ElementTree.fromstring(reply_document(reply(text, Expect("key", 1, 1)), VOICE))
    ElementTree.fromstring(message_document(text))


@given(raw=st.binary(max_size=300))
def test_whatever_a_form_holds_it_can_be_read(raw: bytes) -> None:
    for name, _ in read_fields(raw):
        assert isinstance(value_of(read_fields(raw), name), str)


def test_a_form_keeps_its_empty_and_repeated_fields() -> None:
    assert list(read_fields(b"a=&b=1+2&a=%E4%B8%AD&c=%FF")) == [
        ("a", ""),
        ("b", "1 2"),
        ("a", "中"),
        ("c", "\ufffd"),
    ]
    with pytest.raises(TooManyFields):
        read_fields(b"a=1&" * (MOST_FIELDS + 1))
