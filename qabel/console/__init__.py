"""The console: a web page for people, which the daemon serves, and the few routes of its login."""
