"""One age stream over a whole batch: plain lines in, ciphertext out, nothing in between kept.

age pulls its plain text through a blocking `read`; so it runs in a thread of its own that waits
until the next piece is fed. The two threads never run at the same time.
"""

import hashlib
import threading
from types import TracebackType

import pyrage


class StreamStopped(Exception):
    """The batch was given up, so its stream ends without an end."""


class PrintStream:
    """Encrypts to one printer; use it in a `with`, which stops the thread whatever happens."""

    def __init__(self, public_key: str) -> None:
        self._turn = threading.Condition()
        self._plain = memoryview(b"")
        self._waiting = False
        self._closing = False
        self._stopped = False
        self._ended = False
        self._error: Exception | None = None
        self._ciphertext: list[bytes] = []
        self._digest = hashlib.sha256()
        recipient = pyrage.x25519.Recipient.from_str(public_key)
        self._thread = threading.Thread(
            target=self._run, args=(recipient,), name="print-stream", daemon=True
        )
        self._thread.start()

    def feed(self, lines: bytes) -> bytes:
        """Encrypt a piece; return the ciphertext that came out (age keeps back up to 64 KiB)."""
        with self._turn:
            if lines:
                self._plain = memoryview(lines)
                self._waiting = False
                self._turn.notify_all()
            self._turn.wait_for(lambda: self._waiting or self._ended)
            return self._taken()

    def finish(self) -> bytes:
        """End the stream; return the rest of the ciphertext."""
        self._close(stopped=False)
        return self._taken()

    @property
    def sha256(self) -> str:
        """The digest of all ciphertext that was returned so far, in hex."""
        return self._digest.hexdigest()

    def __enter__(self) -> "PrintStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close(stopped=True)

    def read(self, size: int) -> bytes:
        """Give age up to `size` bytes, waiting for them; nothing at the end. For age only."""
        with self._turn:
            if not self._plain:
                self._plain = memoryview(b"")  # lets go of the lines
                self._waiting = True
                self._turn.notify_all()
                self._turn.wait_for(lambda: self._plain or self._closing)
            if self._stopped:
                raise StreamStopped
            piece = bytes(self._plain[:size])
            self._plain = self._plain[size:]
            return piece

    def write(self, ciphertext: bytes) -> int:
        """Take ciphertext from age. For age only."""
        self._ciphertext.append(bytes(ciphertext))
        return len(ciphertext)

    def flush(self) -> None:
        """Nothing is kept back here. For age only."""

    def _run(self, recipient: object) -> None:
        try:
            pyrage.encrypt_io(self, self, [recipient])
        except Exception as error:
            self._error = error
        finally:
            with self._turn:
                self._plain = memoryview(b"")
                self._ended = True
                self._turn.notify_all()

    def _close(self, *, stopped: bool) -> None:
        with self._turn:
            self._closing = True
            self._stopped = stopped
            self._turn.notify_all()
        self._thread.join()

    def _taken(self) -> bytes:
        if self._error is not None:
            raise self._error
        ciphertext = b"".join(self._ciphertext)
        self._ciphertext.clear()
        self._digest.update(ciphertext)
        return ciphertext
