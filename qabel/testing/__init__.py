"""For tests of programs on Qabel: drop servers in memory, cores, and people who know each other.

The same tests run against these and against the real thing, so that what passes with them holds.
"""
