"""Who sent a text message, and the making of replies to him."""

from dataclasses import dataclass

from redemption.dialogue import callers
from redemption.dialogue.deps import DialogueDeps
from redemption.dialogue.phones import Phone
from redemption.dialogue.words import Lang, Place, message

CHANNEL = "sms"

REPLY = "reply"
"""The kind of message that answers a text, where its gateway took no answer."""


@dataclass(frozen=True, slots=True)
class TextReply:
    """What to text back; an empty text means no reply. `code` names what it tells."""

    text: str
    language: Lang = "zh"
    code: str = ""


@dataclass(frozen=True, slots=True)
class Texter:
    """One message's sender, and what a reply to him needs."""

    deps: DialogueDeps
    gateway: str
    message_id: str
    phone: Phone
    language: Lang
    place: Place

    @property
    def key(self) -> str:
        """What tells this message apart from all others, of other senders too."""
        return f"{CHANNEL}:{self.gateway}:{self.phone.number}:{self.message_id}"

    def reply(self, ids: str | list[str], **facts: str) -> TextReply:
        """Return the first of the wordings that fits one message."""
        text = message(ids, self.language, {"hotline": self.place.hotline, **facts})
        return TextReply(text, self.language, ids if isinstance(ids, str) else ids[0])

    def own_accounts(self) -> list[str]:
        """Return the accounts registered for the sender, the latest first."""
        with self.deps.db.read() as session:
            return callers.own_accounts(session, self.phone)

    def own_account(self) -> str | None:
        """Return the account registered last, if there is one."""
        return next(iter(self.own_accounts()), None)
