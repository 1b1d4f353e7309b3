"""E-mail: `smtp://user@host:587?to=duty@example.com&from=wanneng@example.com`; `smtps://` too.

For alarms. Over `smtp://` the connection is encrypted where the server offers it (STARTTLS), and a
password is never sent without.
"""

import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from email.message import EmailMessage

from core.errors import ConfigurationError
from core.gateways.address import Address
from core.gateways.http import TIMEOUT_S
from core.outbox import GatewayTrouble, Message, MessageRefused


class Mail:
    """A sink that sends each message as a mail to one address."""

    def __init__(self, address: Address) -> None:
        address.knows("to", "from")
        address.needs("to", "from")
        self._address = address

    def send(self, message: Message) -> None:
        """Send one mail; its Message-ID is made of the message's id, so repeats are seen."""
        try:
            with self._connected() as server:
                server.send_message(self._mail(message))
        except smtplib.SMTPResponseException as error:
            self._refused(error.smtp_code)
        except smtplib.SMTPRecipientsRefused as error:
            self._refused(next(iter(error.recipients.values()))[0])
        except (OSError, smtplib.SMTPException) as error:
            raise GatewayTrouble(f"no_answer_{type(error).__name__}") from None

    def check(self) -> str:
        """Connect, and sign in where there is a password."""
        try:
            with self._connected():
                return "answers" + (", and knows our password" if self._address.user else "")
        except (OSError, smtplib.SMTPException) as error:
            raise ConfigurationError(f"no connection ({type(error).__name__})") from None

    def _refused(self, code: int) -> None:
        # Signing in (53x) is for an operator to set right, 4xx passes by itself.
        if code < 500 or 530 <= code < 540:
            raise GatewayTrouble(f"smtp_{code}") from None
        raise MessageRefused(f"smtp_{code}") from None

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._address.option("from")
        mail["To"] = self._address.option("to")
        mail["Message-ID"] = f"<wanneng-{message.id}@{self._address.option('from').split('@')[-1]}>"
        mail["Subject"] = f"[wanneng] {message.body.splitlines()[0][:100]}"
        mail.set_content(message.body)
        return mail

    @contextmanager
    def _connected(self) -> Generator[smtplib.SMTP]:
        address = self._address
        context = ssl.create_default_context()
        if address.scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(
                address.host, address.port or 465, timeout=TIMEOUT_S, context=context
            )
        else:
            opened = smtplib.SMTP(address.host, address.port or 25, timeout=TIMEOUT_S)
        with opened as server:
            server.ehlo()
            if address.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif address.scheme == "smtp" and address.user:
                raise smtplib.SMTPException("no password without encryption")
            if address.user:
                server.login(address.user, address.secret)
            yield server
