"""The drop protocol as values and bytes. Pure code: no network, no disk, no Twisted."""
