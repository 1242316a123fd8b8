"""The one ordered log of messages and events, and who reads it: readers, followers, webhooks."""
