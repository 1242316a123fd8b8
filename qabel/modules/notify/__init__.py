"""The module notify: it says on the desktop, and to webhooks, that there are new messages."""
