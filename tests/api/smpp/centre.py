"""A short message centre of its own over a socket: SMPP 3.4 as far as a texter's life needs it."""

import queue
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

BIND, BIND_RESP = 0x9, 0x80000009
SUBMIT, SUBMIT_RESP = 0x4, 0x80000004
DELIVER, DELIVER_RESP = 0x5, 0x80000005
ENQUIRE, ENQUIRE_RESP = 0x15, 0x80000015
UNBIND, UNBIND_RESP = 0x6, 0x80000006
NACK = 0x80000000
OK, THROTTLED, BAD_DESTINATION, BAD_PASSWORD = 0x0, 0x58, 0xB, 0xE
PATIENCE_S = 30


@dataclass(frozen=True)
class Sent:
    """One text that was handed to the centre."""

    source: str
    destination: str
    coding: int
    text: str
    reference: int | None
    at: float = 0.0


@dataclass
class Centre:
    """Answers to binds and texts; `statuses` are used up one for each text, then all are taken."""

    port: int = 0
    password: str = "s3cret"
    statuses: list[int] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    binds: int = 0
    enquiries: int = 0
    silent_texts: int = 0
    bound: threading.Event = field(default_factory=threading.Event)
    _line: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: "queue.Queue[tuple[int, int]]" = field(default_factory=queue.Queue)
    _number: int = 0

    def deliver(self, *pdu: bytes) -> list[int]:
        """Deliver texts, each when the one before was answered; return the answers' commands."""
        answers = []
        for body in pdu:
            self.post(body)
            answers.append(self._answers.get(timeout=PATIENCE_S)[0])
        return answers

    def deliver_at_once(self, *pdu: bytes) -> list[int]:
        """Deliver texts without waiting in between; return the answers' commands."""
        for body in pdu:
            self.post(body)
        return [self._answers.get(timeout=PATIENCE_S)[0] for _ in pdu]

    def post(self, body: bytes) -> None:
        """Deliver a text and wait for nothing."""
        assert self.bound.wait(PATIENCE_S)
        self._number += 1
        self._write(DELIVER, OK, self._number, body)

    def drop(self) -> None:
        """Cut the line."""
        self.bound.clear()
        if self._line is not None:
            self._line.close()

    def talk(self, line: socket.socket) -> None:
        """Answer one line until it ends."""
        with self._lock:
            self._line = line
        try:
            while (pdu := _read(line)) is not None:
                self._obey(*pdu)
        except OSError:
            return
        finally:
            self.bound.clear()

    def _obey(self, command: int, sequence: int, body: bytes) -> None:
        if command == BIND:
            self.binds += 1
            fine = body.split(b"\0")[1].decode() == self.password
            self._write(BIND_RESP, OK if fine else BAD_PASSWORD, sequence, b"centre\0")
            if fine:
                self._number += 1
                self._write(ENQUIRE, OK, self._number, b"")
        elif command == ENQUIRE_RESP:
            self.bound.set()  # the other side has read what came before, so it knows too
        elif command == SUBMIT:
            self._take(sequence, body)
        elif command in (DELIVER_RESP, NACK):
            self._answers.put((command, sequence))
        elif command == ENQUIRE:
            self.enquiries += 1
            self._write(ENQUIRE_RESP, OK, sequence, b"")
        elif command == UNBIND:
            self._write(UNBIND_RESP, OK, sequence, b"")

    def _take(self, sequence: int, body: bytes) -> None:
        status = self.statuses.pop(0) if self.statuses else OK
        if self.silent_texts > 0:
            self.silent_texts -= 1
            self.sent.append(read_text(body))
            self.drop()
            return
        name = b""
        if status == OK:
            self.sent.append(read_text(body))
            name = f"C{len(self.sent)}".encode()
        self._write(SUBMIT_RESP, status, sequence, name + b"\0")

    def _write(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if self._line is not None:
            head = struct.pack("!IIII", 16 + len(body), command, status, sequence)
            self._line.sendall(head + body)


@contextmanager
def centre() -> Iterator[Centre]:
    """Listen on a free port until the block ends."""
    made = Centre()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.port = listening.getsockname()[1]
        ends = threading.Event()
        listening.settimeout(0.05)

        def serve() -> None:
            while not ends.is_set():
                try:
                    line, _ = listening.accept()
                except TimeoutError:
                    continue
                line.settimeout(None)
                with line:
                    made.talk(line)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield made
        finally:
            ends.set()
            made.drop()
            thread.join(PATIENCE_S)


def text(
    said: bytes,
    coding: int = 0,
    source: str = "8613800000001",
    destination: str = "95598",
    esm_class: int = 0,
) -> bytes:
    """Return the body of a deliver_sm."""
    return (
        b"\0\1\1" + source.encode() + b"\0" + b"\0\1" + destination.encode() + b"\0"
        + bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(said)]) + said
    )  # fmt: skip


def parts(
    said: bytes, size: int, reference: int, wide: bool = False, **more: object
) -> list[bytes]:
    """Return the bodies of the parts of a long text."""
    pieces = [said[i : i + size] for i in range(0, len(said), size)]
    bodies = []
    for place, piece in enumerate(pieces, 1):
        if wide:
            head = b"\6\x08\4" + struct.pack("!H", reference)
        else:
            head = b"\5\0\3" + bytes([reference])
        whole = head + bytes([len(pieces), place]) + piece
        bodies.append(text(whole, esm_class=0x40, **more))  # type: ignore[arg-type]
    return bodies


def read_text(body: bytes) -> Sent:
    """Read the body of a submit_sm."""
    _, rest = body.split(b"\0", 1)
    source, rest = rest[2:].split(b"\0", 1)
    destination, rest = rest[2:].split(b"\0", 1)
    rest = rest[3:]
    _, rest = rest.split(b"\0", 1)
    _, rest = rest.split(b"\0", 1)
    coding, length = rest[2], rest[4]
    said, optional = rest[5 : 5 + length], rest[5 + length :]
    told = said.decode("utf-16-be" if coding == 8 else "ascii")
    return Sent(source.decode(), destination.decode(), coding, told, _reference(optional))


def _reference(optional: bytes) -> int | None:
    while len(optional) >= 4:
        tag, length = struct.unpack("!HH", optional[:4])
        if tag == 0x0204:
            return int.from_bytes(optional[4 : 4 + length], "big")
        optional = optional[4 + length :]
    return None


def _read(line: socket.socket) -> tuple[int, int, bytes] | None:
    head = _exactly(line, 16)
    if head is None:
        return None
    length, command, _, sequence = struct.unpack("!IIII", head)
    body = _exactly(line, length - 16)
    return None if body is None else (command, sequence, body)


def _exactly(line: socket.socket, count: int) -> bytes | None:
    found = b""
    while len(found) < count:
        more = line.recv(count - len(found))
        if not more:
            return None
        found += more
    return found


def texts(of: Centre) -> Sequence[str]:
    """Return what was sent, in order."""
    return [sent.text for sent in of.sent]
