"""The search of messages: the statements for its table, and for what is to be found.

The table has the folded words of each message a second time. That is what FTS5 needs to take out
all that it noted of a message: of a table without them (``contentless_delete``) the words of
deleted messages stay in the file until some later merging of its segments.

FTS5 cuts what it gets at spaces, and does nothing else with it: its tokenizer ``ascii`` takes every
character that is not in ASCII for a letter. ``unicode61`` would fold and cut by tables of its own,
of another version of Unicode, and would have to be told of emoji.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from struct import unpack

from attrs import field, frozen

from qabel.modules.chat.folding import Term, indexed, terms
from qabel.modules.chat.numbers import ChatCursor
from qabel.store.database.connection import Parameters
from qabel.store.modules.changes import Change

TABLE = """
-- What of a message is searched. Rows are numbered by ``place``. A page of 3900 bytes fits into one
-- of the encrypted file.
CREATE VIRTUAL TABLE chat_words USING fts5 (
    words, tags, message UNINDEXED, tokenize = 'ascii', prefix = '1 2 3', columnsize = 0
);
INSERT INTO chat_words (chat_words, rank) VALUES ('secure-delete', 1);
INSERT INTO chat_words (chat_words, rank) VALUES ('pgsz', 3900);
INSERT INTO chat_words (chat_words, rank) VALUES ('automerge', 0);

-- What is deleted is found no more.
CREATE TRIGGER chat_words_follow AFTER DELETE ON chat_messages BEGIN
    DELETE FROM chat_words
        WHERE rowid = old.seq << 32 | iif(old.id & 1, old.id & 0xffffffff, 0);
END;
"""
"""The table, for a migration behind the one that makes ``chat_messages``."""

# Only if the message is there: what it is about may have been deleted after it was read.
_ADD = """
INSERT INTO chat_words (rowid, words, tags, message) SELECT ?1, ?2, ?3, ?4
WHERE EXISTS (SELECT 1 FROM chat_messages WHERE id = ?4)
"""
MERGE = "INSERT INTO chat_words (chat_words, rank) VALUES ('merge', ?)"
"""Merges pages of the index: as many as ``least_merged`` returns."""
_REMOVE = "DELETE FROM chat_words WHERE rowid = ?"
_SEARCH = (
    "SELECT rowid, message FROM chat_words WHERE chat_words MATCH ? AND rowid < ? "
    "ORDER BY rowid DESC LIMIT ?"
)

_NEWEST = 2**63 - 1
"""No message has this number."""

_LEAST_MERGED = 8
"""Pages of the index that are merged when messages are added, and one more for each message.

Left to itself, FTS5 merges seldom and much: one addition in a hundred then takes ten times as long.
"""

_IDENTITY, _CONVERSATION = (0xF0000, 2), (0x100000, 4)
"""Where the characters begin, and how many a tag has. No word has them: they are private use."""


@frozen
class SearchedMessage:
    """A message that is to be found."""

    place: int
    """By which hits are ordered: see ``place``."""
    id: int
    """Its id in chat."""
    identity: bytes
    """The public key of the user's identity."""
    conversation: bytes
    """The id of the conversation."""
    text: str = field(repr=False)


@frozen
class Search:
    """A statement that reads the places and the ids of messages, and what the query wants."""

    sql: str
    values: Parameters = field(repr=False)
    terms: Sequence[Term] = field(repr=False)


def place(seq: int, number: int) -> int:
    """Return a number for a message by which messages are in the order of the journal.

    Args:
        seq: the number of its entry in the journal, less than 2**31.
        number: its id in chat. That of a message which was sent is odd; such messages may have the
            same number in the journal, and then differ in the lower 32 bits of their ids.

    """
    return seq << 32 | (number & 0xFFFFFFFF if number & 1 else 0)


def cursor_of(number: int) -> ChatCursor:
    """Return the cursor of the place of a message."""
    return ChatCursor(number >> 32, number & 0xFFFFFFFF)


def place_of(cursor: ChatCursor) -> int:
    """Return the place that a cursor stands for; no message has one that is out of range."""
    return min(cursor.seq << 32 | (cursor.part & 0xFFFFFFFF), _NEWEST)


def add(messages: Iterable[SearchedMessage]) -> list[Change]:
    """Return the statements that have messages found, with their values.

    They go behind those that add the messages themselves.
    """

    @cache
    def tags(identity: bytes, conversation: bytes) -> str:
        return f"{_tag(_IDENTITY, identity)} {_tag(_CONVERSATION, conversation)}"

    rows = [
        (each.place, indexed(each.text), tags(each.identity, each.conversation), each.id)
        for each in messages
        if each.text
    ]
    return [Change(_ADD, rows), Change(MERGE, [(least_merged(len(rows)),)])] if rows else []


def least_merged(added: int) -> int:
    """Return how many pages of the index are merged when so many messages are added."""
    return _LEAST_MERGED + added


def remove(places: Iterable[int]) -> list[Change]:
    """Return the statements that have messages found no more, with their values.

    They go before those of ``add`` for a message whose text has changed. What is deleted from the
    table of messages needs none.

    Args:
        places: see ``place``.

    """
    rows = [(each,) for each in places]
    return [Change(_REMOVE, rows)] if rows else []


def search(
    query: str,
    *,
    identity: bytes | None = None,
    conversations: Sequence[bytes] | None = None,
    without: Sequence[bytes] = (),
    before: int | None = None,
    limit: int,
) -> Search | None:
    """Return the statement for the messages that have all words of a query, newest first.

    Args:
        query: words, as ``qabel.modules.chat.folding.terms`` takes them.
        identity: the public key of the only identity whose messages are wanted.
        conversations: the ids of the only conversations whose messages are wanted.
        without: the ids of conversations whose messages are not wanted.
        before: the place of the last hit of the page before.
        limit: how many hits are wanted, at most.

    Returns:
        None if the query has no words, or no conversation is wanted: nothing is found.

    """
    wanted = terms(query)
    if not wanted or (conversations is not None and not conversations):
        return None
    match = f"words : ({' AND '.join(map(_term, wanted))})"
    if conversations is not None:
        match = f"{_tagged(conversations)} AND {match}"
    if identity is not None:
        match = f"tags : {_quoted(_tag(_IDENTITY, identity))} AND {match}"
    if without:
        match = f"({match}) NOT {_tagged(without)}"
    return Search(_SEARCH, (match, _NEWEST if before is None else before, limit), wanted)


def _tagged(conversations: Sequence[bytes]) -> str:
    tags = (_quoted(_tag(_CONVERSATION, each)) for each in conversations)
    return f"tags : ({' OR '.join(tags)})"


def _tag(kind: tuple[int, int], key: bytes) -> str:
    """Return a token for a key. It is short, as all its beginnings are indexed, too."""
    first, size = kind
    return "".join(chr(first + each) for each in unpack(f">{size}H", key[: 2 * size]))


def _term(term: Term) -> str:
    phrase = " + ".join(map(_quoted, term.tokens)) + (" *" if term.is_prefix else "")
    return phrase if term.joined is None else f"({phrase} OR {_quoted(term.joined)} *)"


def _quoted(token: str) -> str:
    # Tokens have no quotes.
    return f'"{token}"'
