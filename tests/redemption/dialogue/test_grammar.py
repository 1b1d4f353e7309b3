"""Text commands, as people really type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redemption.dialogue.grammar import (
    Arrears,
    BadAccount,
    Balance,
    Bind,
    BindCode,
    CardCheck,
    Command,
    Help,
    History,
    Language,
    TopUp,
    Unbind,
    Unclear,
    parse_text,
)
from vouchers.pins import Pin, damm_digit
from vouchers.serials import serial_text

BOTH = (10, 13)
ACCOUNT = "0012344567"
LONG_ACCOUNT = "4201012344567"
SERIAL = "42251010007001008"
SERIAL_KEY = 4225101000700100
DIGITS = "68041912969521219" + damm_digit("68041912969521219")
PIN = Pin(DIGITS)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
PRINTED = f"{DIGITS[:6]} {DIGITS[6:12]} {DIGITS[12:]}"
WRONG = DIGITS[:-1] + str((int(DIGITS[-1]) + 1) % 10)


@pytest.mark.parametrize(
    "text",
    [
        f"CZ#{ACCOUNT}#{DIGITS}#",
        f"cz {ACCOUNT} {DIGITS}",
        f"充值{ACCOUNT}#{DIGITS}",
        f"充值 {ACCOUNT}，{DIGITS}。",
        f"TOPUP {ACCOUNT} {DIGITS}",
        f"Topup: {ACCOUNT}; {DIGITS}",
        f"r{ACCOUNT}*{DIGITS}",
        f"R {DIGITS} {ACCOUNT}",
        f"{ACCOUNT}#{DIGITS}#",
        f"{DIGITS}*{ACCOUNT}",
        f"{ACCOUNT}{DIGITS}",
        f"CZ{ACCOUNT}{DIGITS}",
        f"{ACCOUNT} {PRINTED}",
        f"{PRINTED} {ACCOUNT}",
        f"CZ {PRINTED.replace(' ', '-')} {ACCOUNT}",
        f"CZ {ACCOUNT}{PRINTED}",
        f"{ACCOUNT}、{PRINTED.replace(' ', '　')}",
        f"\n CZ\n{ACCOUNT}\r\n{PRINTED}\n",
        f"ＣＺ＃{ACCOUNT.translate(WIDE)}＃{DIGITS}＃",
        f"CZ {ACCOUNT}.  {DIGITS}",
        f"CZ {ACCOUNT} {DIGITS[:6]}—{DIGITS[6:12]}–{DIGITS[12:]}",
        f"CZ\u200b {ACCOUNT}\u202c \ufeff{DIGITS}",
    ],
)
def test_a_top_up_is_read_however_it_is_typed(text: str) -> None:
    assert parse_text(text, BOTH) == TopUp(ACCOUNT, PIN)


@pytest.mark.parametrize(
    "text",
    [
        f"{SERIAL}#{DIGITS}#{ACCOUNT}#",
        f"CZ {SERIAL} {ACCOUNT} {DIGITS}",
        f"{SERIAL}{ACCOUNT}{DIGITS}",
        f"{SERIAL}{DIGITS} {ACCOUNT}",
        f"{SERIAL} {ACCOUNT}{DIGITS}",
        f"{SERIAL}{ACCOUNT} {PRINTED}",
        f"{SERIAL}{ACCOUNT}{PRINTED}",
        f"{SERIAL} {PRINTED} {ACCOUNT}",
    ],
)
def test_a_serial_before_the_pin_is_accepted(text: str) -> None:
    assert parse_text(text, BOTH) == TopUp(ACCOUNT, PIN, SERIAL_KEY)


def test_without_an_account_the_pin_stands_alone() -> None:
    assert parse_text(DIGITS, BOTH) == TopUp(None, PIN)
    assert parse_text(PRINTED, BOTH) == TopUp(None, PIN)
    assert parse_text(f"CZ {SERIAL} {DIGITS}", BOTH) == TopUp(None, PIN, SERIAL_KEY)


def test_an_account_of_13_digits_is_read_in_all_places() -> None:
    for text in (
        f"{LONG_ACCOUNT} {DIGITS}",
        f"{DIGITS}#{LONG_ACCOUNT}",
        f"{LONG_ACCOUNT}{DIGITS}",
        f"CZ{LONG_ACCOUNT}{PRINTED}",
    ):
        assert parse_text(text, BOTH) == TopUp(LONG_ACCOUNT, PIN)


@pytest.mark.parametrize(
    "text",
    [
        WRONG,
        f"CZ {WRONG}",
        f"CZ {ACCOUNT} {WRONG}",
        DIGITS[:-1],
        DIGITS + "0",
        f"CZ {DIGITS} {DIGITS}",
        f"CZ {PRINTED} {PRINTED}",
        f"CZ {SERIAL}",
        SERIAL,
        "CZ",
        "充值 密码",
        "CZ ABCDEFGHIJ 123456",
        f"CZ {DIGITS[:17]}O",
        f"CZ 12345678901 {DIGITS}",
        f"CZ {SERIAL[:-1]}9 {DIGITS}",
        "CZ ١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨",
        "1234567890" * 49,
    ],
)
def test_what_cannot_be_a_pin_is_malformed(text: str) -> None:
    assert parse_text(text, BOTH) == TopUp(None, None)


@pytest.mark.parametrize(
    "text",
    [
        f"{SERIAL} {ACCOUNT} {WRONG}",
        f"{DIGITS}{ACCOUNT}",
        f"{DIGITS} 123456 123456",
        f"{DIGITS}123456789",
        f"{DIGITS}{LONG_ACCOUNT}",
    ],
)
def test_nothing_is_kept_of_a_message_without_a_good_pin(text: str) -> None:
    assert parse_text(text, BOTH) == TopUp(None, None, None)


def test_no_repr_shows_a_secret() -> None:
    assert DIGITS not in repr(parse_text(DIGITS, BOTH))
    assert "Pin" not in repr(parse_text(DIGITS, BOTH))
    assert "123456" not in repr(parse_text("123456", BOTH))


def test_a_length_that_is_not_allowed_is_no_account() -> None:
    assert parse_text(f"CZ {LONG_ACCOUNT} {DIGITS}", (10,)) == TopUp(None, None)
    assert parse_text(f"{LONG_ACCOUNT}{DIGITS}", (10,)) == TopUp(None, None)
    assert parse_text(f"{ACCOUNT}{PRINTED}", (13,)) == TopUp(None, None)
    assert parse_text(f"CX {ACCOUNT}", (13,)) == BadAccount()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("CX", Balance()),
        ("ye", Balance()),
        ("查询", Balance()),
        ("余额#", Balance()),
        (f"BAL {ACCOUNT}", Balance(ACCOUNT)),
        (f"bal {LONG_ACCOUNT}#", Balance(LONG_ACCOUNT)),
        ("QF", Arrears()),
        (f"欠费{ACCOUNT}", Arrears(ACCOUNT)),
        (f"owe {ACCOUNT}", Arrears(ACCOUNT)),
        ("Due", Arrears()),
        ("DUE 123", BadAccount()),
        (f"QF {ACCOUNT} {ACCOUNT}", BadAccount()),
        ("CX abc", BadAccount()),
        (f"CK {SERIAL}", CardCheck(SERIAL_KEY)),
        (f"查卡：{SERIAL}", CardCheck(SERIAL_KEY)),
        (f"card#{SERIAL}#", CardCheck(SERIAL_KEY)),
        (f"CK {DIGITS}", CardCheck(None)),
        (f"CK {SERIAL[:-1]}9", CardCheck(None)),
        ("CK", CardCheck(None)),
        (f"BD {ACCOUNT}", Bind(ACCOUNT)),
        (f"绑定#{ACCOUNT}#", Bind(ACCOUNT)),
        ("BIND", Bind()),
        ("BIND 123", BadAccount()),
        ("BD 123456", BindCode("123456")),
        ("123456", BindCode("123456")),
        ("１２３４５６", BindCode("123456")),
        ("JB", Unbind()),
        (f"解绑 {ACCOUNT}", Unbind(ACCOUNT)),
        (f"unbind {ACCOUNT}", Unbind(ACCOUNT)),
        ("JL", History()),
        ("记录", History()),
        ("hist", History()),
        ("YY EN", Language("en")),
        ("语言：zh", Language("zh")),
        ("lang en", Language("en")),
        ("LANG FR", Language(None)),
        ("LANG", Language(None)),
        ("BZ", Help()),
        ("帮助", Help()),
        ("help", Help()),
        ("?", Help()),
        ("？", Help()),
        ("", Unclear()),
        ("###", Unclear()),
        ("1", Unclear()),
        (ACCOUNT, Unclear()),
        (LONG_ACCOUNT, Unclear()),
        ("hello", Unclear()),
        ("HELP ME", Unclear()),
        ("JL 3", Unclear()),
        ("CZCZ", Unclear()),
        ("١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨", Unclear()),
        ("CX\0", Unclear()),
        (f"C\x07Z {DIGITS}", Unclear()),
        ("\ud800", Unclear()),
        (f"CZ {DIGITS}" + " " * 500, Unclear()),
    ],
)
def test_commands_are_read_in_both_languages(text: str, command: Command) -> None:
    assert parse_text(text, BOTH) == command


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


pins = digits(17).map(lambda seventeen: Pin(seventeen + damm_digit(seventeen)))
accounts = st.sampled_from(BOTH).flatmap(digits)
serials = st.integers(0, 10**16 - 1)
separators = st.text("#* ,、。;:-\n，；：＃＊　", min_size=1, max_size=3)
verbs = st.sampled_from(["CZ", "充值", "TOPUP", "R", "cz", "topup", "r", "ＣＺ"])


@st.composite
def top_ups(draw: st.DrawFn) -> tuple[str, TopUp]:
    """A message of any form the grammar allows, and what it must be read as."""
    pin, sep = draw(pins), draw(separators)
    account = draw(st.none() | accounts)
    serial = draw(st.none() | serials)
    grouped = draw(st.booleans())
    pin_text = sep.join([pin.digits[:6], pin.digits[6:12], pin.digits[12:]])
    pin_text = pin_text if grouped else pin.digits
    glue = st.sampled_from(["", sep])
    parts = [] if account is None else [account + draw(glue)]
    parts.append(pin_text)
    if account is not None and draw(st.booleans()):
        parts = [pin_text + sep, account]
    if serial is not None:
        parts.insert(0, serial_text(serial) + draw(glue))
    verb = draw(st.just("") | verbs)
    verb += draw(glue) if verb else ""
    closing = draw(st.sampled_from(["", "#", " ", "。"]))
    return verb + "".join(parts) + closing, TopUp(account, pin, serial)


@given(top_ups())
def test_every_form_is_read_as_what_was_meant(form: tuple[str, TopUp]) -> None:
    text, meant = form
    assert parse_text(text, BOTH) == meant


@given(top_ups(), st.permutations(BOTH))
def test_the_lengths_of_accounts_may_come_in_any_order(
    form: tuple[str, TopUp], lengths: list[int]
) -> None:
    text, meant = form
    assert parse_text(text, lengths) == meant


pieces = st.sampled_from(
    [*"#* ,。;:-\n\0\x1b٣３７AZ?充值", "CZ", "CX", "BD", "CK", "\ud800", DIGITS, ACCOUNT, SERIAL,
     "123456"]
)  # fmt: skip


@given(st.text() | st.lists(pieces, max_size=40).map("".join))
def test_no_text_raises_and_nothing_goes_without_a_good_pin(text: str) -> None:
    command = parse_text(text, BOTH)
    if isinstance(command, TopUp) and command.pin is None:
        assert command == TopUp()


@given(st.text("0123456789", min_size=14, max_size=60))
def test_digits_alone_are_a_top_up(text: str) -> None:
    command = parse_text(text, BOTH)
    assert isinstance(command, TopUp)
    assert command == TopUp() or command.pin is not None
