"""The drop protocol as values and bytes. Pure: no network, no disk, no Twisted."""
