"""Sessions of the console, the web page for people: a code is exchanged for a token.

The code reaches the browser in a file that only the user can read. There is no cookie: browsers
send one to every port of the machine, and so to other users' programs.
"""

import hmac
import secrets
from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from qabel.contract.types import Id, View
from qabel.core.errors import Conflict, Invalid
from qabel.core.main_token import digest_of
from qabel.core.tokens import TokenBook
from qabel.forms.errors import FieldError
from qabel.store.console import ConsoleRepository

CODE_BYTES = 16
"""Random bytes in a code."""

CODE_SECONDS = 60
"""Seconds in which a code can be used, once."""

MOST_CODES = 100
"""Codes that can be used at a time; of more than that, the oldest are forgotten."""

IDLE = 12 * 3600
"""Seconds without use after which a session ends."""

KEY_BYTES = 32
"""Bytes of the key with which the daemon proves itself."""

SCOPES = (
    "status",
    "read",
    "send",
    "delete",
    "contacts",
    "preferences",
    "servers",
    "backup",
    "sessions",
)
"""What a session may do: all that people do on the page, and nothing with private keys."""

MODULES = ("chat", "files")
"""The modules that the page knows: a session may do with them what there is to do."""


class CodeView(View):
    """A code for a session."""

    code: str
    url: str
    """The address of the page with the code."""
    expires: int
    """Seconds until it can no longer be used."""


class SessionView(View):
    """A session, with the values that only the page may have."""

    id: Id
    token: str
    scopes: list[str]
    idle: int
    """Seconds without use after which it ends."""
    proof_key: str
    """The key with which the daemon proves itself: hexadecimal digits."""


class ProofView(View):
    """What only this daemon can say."""

    proof: str
    """HMAC-SHA256 of the nonce, in UTF-8, with the key of the session: hexadecimal digits."""


@define(eq=False, kw_only=True)
class ConsoleSessions:
    """Begins sessions of the console.

    Args:
        tokens: keeps the tokens of sessions.
        repository: keeps the key with which the daemon proves itself.
        clock: measures how old codes are.

    """

    _tokens: TokenBook
    _repository: ConsoleRepository
    _clock: IReactorTime
    page_url: Callable[[], str | None] = field(default=lambda: None, init=False)
    """Returns the address of the page; None if it is served nowhere."""
    _proof_key: bytes = field(default=b"", init=False, repr=False)
    _codes: dict[bytes, float] = field(factory=dict, init=False, repr=False)
    """When each code ends, by its digest."""

    async def load(self) -> None:
        """Load the key. Raises StoreError."""
        self._proof_key = await self._repository.proof_key(secrets.token_bytes(KEY_BYTES))

    def new_code(self) -> CodeView:
        """Return a code for one session. Raises Conflict if the page is served nowhere."""
        url = self.page_url()
        if url is None:
            raise Conflict(
                "The page is served over TCP on this machine only, and the daemon does not listen "
                "there: start it with --listen tcp:9696:interface=127.0.0.1, and without "
                "--no-console."
            )
        self._forget_old_codes()
        while len(self._codes) >= MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_hex(CODE_BYTES)
        self._codes[digest_of(code)] = self._clock.seconds() + CODE_SECONDS
        return CodeView(code=code, url=f"{url}#{code}", expires=CODE_SECONDS)

    async def begin(self, code: str, name: str) -> SessionView:
        """Begin a session; the code cannot be used again.

        Args:
            code: what ``new_code`` gave.
            name: how the session is listed.

        Raises:
            Invalid: there is no such code, or it is used or too old.
            StoreError: the session could not be stored.

        """
        self._forget_old_codes()
        if self._codes.pop(digest_of(code), None) is None:
            raise Invalid(
                "This code was used already, or is too old: run qabel open again.",
                [FieldError("code", "is not valid any more")],
            )
        of_modules = {
            each for each in self._tokens.module_scopes if each.partition(":")[0] in MODULES
        }
        token = await self._tokens.add(name, [*SCOPES, *of_modules], idle=IDLE)
        return SessionView(
            id=token.id,
            token=token.token,
            scopes=list(token.scopes),
            idle=IDLE,
            proof_key=self._proof_key.hex(),
        )

    def proof(self, nonce: str) -> ProofView:
        """Return the proof that this is the daemon whose session somebody has."""
        return ProofView(hmac.digest(self._proof_key, nonce.encode(), "sha256").hex())

    def _forget_old_codes(self) -> None:
        now = self._clock.seconds()
        self._codes = {digest: until for digest, until in self._codes.items() if until > now}
