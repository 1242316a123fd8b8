"""Messages on their way out: composed, sealed, kept in the outbox, posted."""
