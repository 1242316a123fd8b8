"""Wiring: what changes in one part of a core reaches the others."""

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from qabel.contract.access import EVERYTHING
from qabel.core.errors import StoreFull
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.drop.url import DropURL
from qabel.settings.proxy_url import ProxyURL
from qabel.store.outbox.moving import NO_CONTACT
from qabel.testing.correspondents import SERVER
from qabel.testing.drop_servers import DATE
from tests.core.conftest import ClockedWorld
from tests.core.items import draws

ELSEWHERE = f"http://elsewhere.example/{1:043}"


def servers_of(core: CoreService) -> set[str]:
    """Return the servers that a core polls."""
    return set(core.poller.servers)


def sender_key(core: CoreService) -> bytes:
    """Return the public key of the only identity."""
    [identity] = core.people.identities()
    return bytes.fromhex(identity.public_key)


def test_the_drops_of_a_new_identity_are_read(clocked: ClockedWorld) -> None:
    """A drop is read soon after somebody has it, and allowed wherever it is."""
    core = clocked.run(clocked.person("me"))
    clocked.clock.advance(0)
    assert servers_of(core) == {SERVER}
    before = len(clocked.drop_servers.fetched)
    clocked.run(core.people.add_identity("other", [DropURL.parse(ELSEWHERE)]))
    clocked.clock.advance(0)
    assert servers_of(core) == {SERVER, "http://elsewhere.example"}
    assert len(clocked.drop_servers.fetched) == before + 1
    assert core._base.servers.own == servers_of(core)


def test_own_drops_are_trusted_only_where_the_user_chose(clocked: ClockedWorld) -> None:
    """A drop makes its server trusted only if its URL says that it is private."""
    core = clocked.run(clocked.person("me"))
    private = "http://192.168.1.2"
    drops = [DropURL.parse(ELSEWHERE), DropURL.parse(f"{private}/{1:043}")]
    clocked.run(core.people.add_identity("other", drops))
    assert core._base.servers.urls == {SERVER, private}


def test_the_drops_of_a_deleted_identity_are_not(clocked: ClockedWorld) -> None:
    """When an identity is deleted, its drops are neither polled nor listened to any more."""
    core = clocked.run(clocked.person("me", push=True))
    clocked.clock.advance(0)
    assert core.push_watch.connected == 1
    clocked.run(core.people.delete_identity(1))
    assert servers_of(core) == set()
    assert core.push_watch.connected == 0
    before = len(clocked.drop_servers.fetched)
    clocked.clock.pump([10.0] * 3)
    assert len(clocked.drop_servers.fetched) == before


def test_the_proxy_follows_the_settings(clocked: ClockedWorld) -> None:
    """The proxy of the settings is used as soon as it is there."""
    core = clocked.run(clocked.person("me"))
    assert core._base.proxy.url is None
    clocked.run(core.local.set("privacy.proxy", "socks5://127.0.0.1:9050"))
    assert core._base.proxy.url == ProxyURL.parse("socks5://127.0.0.1:9050")
    clocked.run(core.local.set("privacy.proxy", None))
    assert core._base.proxy.url is None


def test_the_proxy_of_the_command_line_wins(clocked: ClockedWorld) -> None:
    """A proxy that the daemon was started with is used, whatever the settings say."""
    chosen = "socks5://127.0.0.1:9050"
    core = clocked.run(clocked.core("me", proxy=chosen))
    clocked.run(core.local.set("privacy.proxy", "socks5://127.0.0.1:1"))
    assert str(core._base.proxy.url) == chosen


def test_group_tokens_follow_the_settings(clocked: ClockedWorld) -> None:
    """Another token is used at once: drops are read, connections opened, and messages posted."""
    core = clocked.run(clocked.person("me", push=True))
    clocked.clock.advance(10)
    [url], tokens = core.poller.servers[SERVER].drops, core._base.servers.group_tokens
    [listener] = clocked.drop_servers.listeners[str(url)]
    assert (core.push_watch.connected, tokens.get(url)) == (1, None)
    before = len(clocked.drop_servers.fetched)
    servers = core.view(EVERYTHING).servers
    [server] = servers.all()
    clocked.run(servers.change(server.id, {"auth": "secret-token"}))
    assert tokens.get(url) == "secret-token"
    assert len(clocked.drop_servers.fetched) == before + 1
    assert clocked.drop_servers.listeners[str(url)] == []
    clocked.clock.advance(10)
    [again] = clocked.drop_servers.listeners[str(url)]
    assert again is not listener
    clocked.run(servers.change(server.id, {"active": False}))
    assert clocked.drop_servers.listeners[str(url)] == [again]
    clocked.run(servers.delete(server.id))
    assert tokens.get(url) is None


def test_what_waits_for_a_group_token_is_posted(clocked: ClockedWorld) -> None:
    """What failed often, and would wait for a quarter of an hour, goes soon after another token."""
    alice, _ = clocked.run(clocked.friends())
    clocked.draw = draws()
    servers, away = alice.view(EVERYTHING).servers, DropURL.parse(ELSEWHERE)
    added = clocked.run(servers.add(away.server))
    [contact] = alice.people.contacts()
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": [away]}))
    clocked.drop_servers.away = {away.server}
    sending = Deferred.fromCoroutine(clocked.say(alice, "at last"))
    clocked.clock.pump([10.0] * 360)
    assert not result_of(sending).is_complete
    clocked.drop_servers.away = set()
    clocked.run(servers.change(added.id, {"auth": "secret-token"}))
    clocked.clock.pump([5.0] * 12)
    assert [url for url, _ in clocked.drop_servers.posted] == [ELSEWHERE]


def test_without_push_nothing_listens(clocked: ClockedWorld) -> None:
    """A core that is to use no push polls its drops and listens to none."""
    core = clocked.run(clocked.person("me", push=False))
    assert core.push_watch.connected == 0
    assert not any(clocked.drop_servers.listeners.values())


def test_drops_and_outbox_are_taken_up_at_the_start(clocked: ClockedWorld) -> None:
    """A core that starts again reads the drops it has, and posts what was left waiting."""
    alice, bob = clocked.run(clocked.friends())
    clocked.draw = draws()
    clocked.drop_servers.is_away = True
    sending = Deferred.fromCoroutine(clocked.say(alice, "later"))
    clocked.clock.advance(5)
    assert not result_of(sending).is_complete
    clocked.run(clocked.close())
    clocked.drop_servers.is_away = False
    alice, bob = clocked.run(clocked.core("Alice")), clocked.run(clocked.core("Bob"))
    assert servers_of(alice) == servers_of(bob) == {SERVER}
    # It goes at a time of its own, so that nobody sees who else is on the same device.
    assert clocked.drop_servers.posted == []
    clocked.clock.pump([5.0] * 12)
    [message] = clocked.run(clocked.heard(bob))
    assert message["data"] == {"msg": "later"}


def test_the_interval_of_the_settings_is_kept_to(clocked: ClockedWorld) -> None:
    """Another poll interval is in force at once."""
    core = clocked.run(clocked.person("me"))
    clocked.clock.advance(0)
    clocked.run(core.local.set("poll_interval", 100))
    before = len(clocked.drop_servers.fetched)
    clocked.clock.pump([9.8] * 5)
    assert len(clocked.drop_servers.fetched) == before
    clocked.clock.advance(1)
    assert len(clocked.drop_servers.fetched) == before + 1


def test_settings_are_events(clocked: ClockedWorld) -> None:
    """Each change of a settings document is told to those who follow the journal."""
    core = clocked.run(clocked.core("me"))
    follower = core.events.follow(None)
    clocked.run(core.local.set("poll_interval", 7))
    clocked.run(clocked.use_server(core))
    assert [each.kind for each in clocked.run(follower.next())] == ["settings", "synced"]


def test_a_message_is_in_place_when_readers_wake(clocked: ClockedWorld) -> None:
    """Who waits for the journal finds the message counted, and a page with it."""
    alice, bob = clocked.run(clocked.friends())
    seen: list[int] = []
    bob.journal.changed().addCallback(lambda _: seen.append(bob.inbox.messages))
    clocked.run(clocked.say(alice, "Hello"))
    clocked.clock.advance(5)
    assert seen == [1]


def test_an_acknowledgement_is_posted_at_once(clocked: ClockedWorld) -> None:
    """Without a delay, the acknowledgement goes out when the message is kept."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(bob.local.set("privacy.acknowledge_delay", 0))
    clocked.run(clocked.say(alice, "Did it arrive?", acknowledge_id="auto"))
    assert len(clocked.drop_servers.posted) == 1
    clocked.run(clocked.heard(bob))
    assert len(clocked.drop_servers.posted) == 2


def test_the_newest_date_is_noted(clocked: ClockedWorld) -> None:
    """The local settings have the date of the newest message, and nobody is told of that."""
    alice, bob = clocked.run(clocked.friends())
    assert bob.local.value.drop_last_update is None
    follower = bob.events.follow(None)
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob))
    noted = bob.local.value.drop_last_update
    assert noted is not None
    assert noted.endswith("+0000")
    clocked.run(bob._wiring.note_dates(["Mon, 23 Nov 1998 07:38:48 +0000", "never"]))
    assert bob.local.value.drop_last_update == noted
    never = "Fri, 01 Jan 9999 00:00:00 GMT"
    clocked.run(bob._wiring.note_dates([never, "1 Jan 1 00:00 +99999999999999"]))
    assert bob.local.value.drop_last_update == noted
    assert [each.kind for each in clocked.run(follower.next())] == ["drop"]


def test_a_date_that_cannot_be_heals(clocked: ClockedWorld) -> None:
    """A date in the far future, which an older version has noted, gives way to a real one."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(bob.local.set("drop_last_update", "Fri, 01 Jan 9999 00:00:00 GMT"))
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob))
    assert bob.local.value.drop_last_update == DATE


def test_messages_wait_for_leave_to_use_a_server(clocked: ClockedWorld) -> None:
    """When the user adds a drop server, what waited for it is tried soon, and nothing else is."""
    alice, _ = clocked.run(clocked.friends())
    [contact] = alice.people.contacts()
    moved = DropURL.parse(ELSEWHERE)
    urls = [*contact.drop_urls, moved]
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": urls}))
    clocked.drop_servers.away = {SERVER, moved.server}
    sending = Deferred.fromCoroutine(clocked.say(alice, "Hello"))
    clocked.clock.advance(5)
    result_of(sending)
    clocked.run(alice.local.set("poll_interval", 86_400))
    clocked.clock.pump([60.0] * 120)
    clocked.drop_servers.away = set()
    servers = [{"url": url, "auth": ""} for url in (SERVER, moved.server)]
    pauses = [
        alice.poster.queue((str(url), bytes.fromhex(contact.public_key), sender_key(alice)))
        for url in urls
    ]
    before = [0.0 if each is None else each.due for each in pauses]
    clocked.run(alice.synced.set("drop_servers", servers))
    after = [0.0 if each is None else each.due for each in pauses]
    assert after[0] == before[0] > clocked.clock.seconds()
    assert after[1] <= clocked.clock.seconds() + 150
    clocked.clock.pump([1.0] * 150)
    assert str(moved) in {url for url, _ in clocked.drop_servers.posted}


def test_disk_space_sets_everything_going(clocked: ClockedWorld) -> None:
    """When there is space again, drops are read and what waits is posted, ahead of schedule."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(bob.local.set("poll_interval", 3600))
    clocked.clock.advance(0)
    clocked.run(clocked.say(alice, "Hello"))
    before = len(clocked.drop_servers.fetched)
    [url] = bob.poller.servers[SERVER].drops
    bob.poller.note_not_stored(url, "full")
    bob._base.database.on_failure(StoreFull("full"))
    clocked.clock.advance(1)
    assert len(clocked.drop_servers.fetched) == before + 1
    assert bob.inbox.messages == 1


def test_an_outbox_that_cannot_be_read_is_logged(clocked: ClockedWorld) -> None:
    """When the database does not say what waits to be posted, one line of the log says so."""
    core = clocked.run(clocked.person("me"))
    result_of(core._base.database.run(lambda connection: connection.execute("DROP TABLE postings")))
    with capturedLogs() as logged:
        core._wiring.begin()
    [line] = [each for each in logged if each["log_namespace"] == "qabel.core.wiring.Wiring"]
    assert "log_failure" not in line
    assert line["log_level"] is LogLevel.warn
    assert "postings" in line["error"]


def test_what_is_queued_follows_its_contact(clocked: ClockedWorld) -> None:
    """A contact that moves gets what waits for it at its new drop, in order and once."""
    alice, bob = clocked.run(clocked.friends())
    clocked.drop_servers.is_away = True
    for text in ("one", "two"):
        sending = Deferred.fromCoroutine(clocked.say(alice, text))
        clocked.clock.advance(5)
        result_of(sending)
    [contact] = alice.people.contacts()
    moved = DropURL.parse(f"{SERVER}/{7:043}")
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": [moved]}))
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 20)
    assert [url for url, _ in clocked.drop_servers.posted] == [str(moved)] * 2
    [identity] = bob.people.identities()
    clocked.run(bob.people.change_identity(identity.id, {"drops": [moved]}))
    assert [each["data"]["msg"] for each in clocked.run(clocked.heard(bob))] == ["one", "two"]


def test_what_is_queued_ends_with_its_contact(clocked: ClockedWorld) -> None:
    """What waits for a contact that is deleted has failed, says why, and is never posted."""
    alice, _ = clocked.run(clocked.friends())
    clocked.drop_servers.is_away = True
    sending = Deferred.fromCoroutine(clocked.say(alice, "Hello"))
    clocked.clock.advance(5)
    result_of(sending)
    [contact] = alice.people.contacts()
    clocked.run(alice.people.delete_contact(contact.id))
    clocked.drop_servers.is_away = False
    clocked.clock.pump([60.0] * 20)
    assert clocked.drop_servers.posted == []
    assert alice.poster.under_way == frozenset()
    [sent] = clocked.run(alice.outbox.sends())
    assert sent.recipients[0].state == "failed"
    assert sent.recipients[0].reason == NO_CONTACT


def test_a_receipt_ends_further_postings(clocked: ClockedWorld) -> None:
    """A message whose receipt has arrived is not posted again where posting it failed."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(bob.local.set("privacy.acknowledge_delay", 0))
    [contact] = alice.people.contacts()
    good = str(contact.drop_urls[0])
    bad = DropURL.parse(f"http://other.example/{7:043}")
    clocked.run(alice.people.change_contact(contact.id, {"drop_urls": [*contact.drop_urls, bad]}))
    clocked.drop_servers.away = {"http://other.example"}
    sending = Deferred.fromCoroutine(clocked.say(alice, "Hello", acknowledge_id="auto"))
    clocked.clock.advance(5)
    [state] = result_of(sending).recipients
    assert state.state == "queued"
    clocked.run(clocked.heard(bob))
    clocked.run(clocked.heard(alice))
    [sent] = clocked.run(alice.outbox.sends())
    assert sent.recipients[0].acknowledged
    assert alice.poster.under_way == frozenset()
    clocked.drop_servers.away = set()
    clocked.clock.pump([60.0] * 20)
    assert [url for url, _ in clocked.drop_servers.posted if url in (good, str(bad))] == [good]
