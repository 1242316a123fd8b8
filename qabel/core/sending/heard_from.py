"""Of whom each identity has heard: held in memory, as each message that is sent asks for it."""

from collections.abc import Awaitable, Callable, Collection

from attrs import define, field

MOST_KNOWN = 100_000
"""Pairs of identities and contacts that are held at most."""


@define(eq=False)
class HeardFrom:
    """Knows of whom something was opened.

    Args:
        find: returns those contacts of whom an identity has opened anything, all as public keys.
            Raises StoreError.

    """

    _find: Callable[[bytes, Collection[bytes]], Awaitable[Collection[bytes]]]
    _known: dict[tuple[bytes, bytes], bool] = field(factory=dict, init=False, repr=False)
    _changes: int = field(default=0, init=False)

    async def among(self, identity: bytes, contacts: Collection[bytes]) -> Collection[bytes]:
        """Return those of some contacts of whom an identity has opened anything.

        All are public keys. Raises StoreError.
        """
        missing = [each for each in contacts if (identity, each) not in self._known]
        heard = {each for each in contacts if self._known.get((identity, each))}
        if missing:
            before = self._changes
            found = await self._find(identity, missing)
            heard.update(found)
            # What was received meanwhile may be missing in the result.
            if self._changes == before and len(self._known) + len(missing) <= MOST_KNOWN:
                self._known.update({(identity, each): each in found for each in missing})
        return heard

    def forget(self) -> None:
        """Ask again from now on, as something was received, or people have changed."""
        self._known.clear()
        self._changes += 1
