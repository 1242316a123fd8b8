"""What drop servers for many users need, by what was measured: machines, memory, disk, bandwidth.

All of this is arithmetic; ``docs/scaling.rst`` says how the rates were measured.
"""

import math

from attrs import frozen

from qabel.dropserver.message_values import DAY

_BYTE = 8
"""Bits."""


@frozen(kw_only=True)
class Habits:
    """What users do."""

    messages: float = 30.0
    """Messages that a user sends in a day."""
    peak: float = 3.0
    """How many times as much as on average there is to do at the busiest time."""
    listening: float = 0.9
    """The share of users that listen for messages; the others ask for them."""
    poll_interval: float = 60.0
    """Seconds between two questions of those that ask."""
    lifetime: float = 7.0
    """Days that a message is kept."""


@frozen(kw_only=True)
class MeasuredRates:
    """What was measured. Times are seconds of CPU time of one core."""

    post: float = 430e-6
    """Of a server, for a message that is posted."""
    delivery: float = 150e-6
    """Of a server, for a message that is pushed, or fetched."""
    poll: float = 310e-6
    """Of a server, for a question with no news."""
    database_post: float = 85e-6
    database_delivery: float = 40e-6
    database_poll: float = 15e-6
    """Of the database, for each of these."""
    primary: float = 5_000.0
    """Messages that one database can commit in a second."""
    listener: float = 9_000.0
    """Bytes of memory for a listener, without TLS."""
    process: float = 70e6
    """Bytes of memory for a server without listeners."""
    listeners: int = 10_000
    """Listeners of one server."""
    stored: float = 3_300.0
    """Bytes on the disk for a message, with its indexes."""
    message: float = 2_600.0
    """Bytes on the network for a message, with its headers."""
    question: float = 300.0
    """Bytes on the network for a question with no news, and as many for its answer."""
    usable: float = 0.6
    """The share of a core that is planned for: the rest is for what is uneven, and for failures."""


@frozen(kw_only=True)
class Need:
    """What is needed at the busiest time."""

    users: int
    posts: float
    """Messages a second."""
    polls: float
    """Questions with no news a second."""
    listeners: int
    front_ends: int
    """Processes; each uses one core. 1 is a server that needs no database."""
    databases: int
    """PostgreSQL primaries, each with a standby."""
    database_cores: int
    """Of each of them."""
    memory: float
    """Bytes, of all front ends together."""
    disk: float
    """Bytes, of all messages; standbys need as much again."""
    traffic: float
    """Bits a second from clients, and as many to them."""


def plan(users: int, habits: Habits, rates: MeasuredRates) -> Need:
    """Return what some users need.

    Args:
        users: how many.
        habits: what each does.
        rates: what that takes.

    """
    daily = users * habits.messages
    posts = daily / DAY * habits.peak
    polls = users * (1 - habits.listening) / habits.poll_interval
    listeners = math.ceil(users * habits.listening)
    busy = posts * (rates.post + rates.delivery) + polls * rates.poll
    cores = math.ceil(busy / rates.usable)
    front_ends = max(cores, math.ceil(listeners / rates.listeners), 1)
    databases, database_cores = 0, 0
    if front_ends > 1:
        # Nothing is down for users while one is.
        front_ends += 1
        databases = math.ceil(posts / rates.primary / rates.usable)
        database_busy = (
            posts * (rates.database_post + rates.database_delivery) + polls * rates.database_poll
        )
        database_cores = math.ceil(database_busy / databases / rates.usable)
    return Need(
        users=users,
        posts=posts,
        polls=polls,
        listeners=listeners,
        front_ends=front_ends,
        databases=databases,
        database_cores=database_cores,
        memory=listeners * rates.listener + front_ends * rates.process,
        disk=daily * habits.lifetime * rates.stored,
        traffic=_BYTE * (posts * rates.message + polls * rates.question),
    )
