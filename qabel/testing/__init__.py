"""Test programs that use Qabel: with drop servers in memory, and cores whose users are contacts.

Qabel's own tests of the core use them as well. ``qabel.testing.module_desk`` is for modules.
"""
