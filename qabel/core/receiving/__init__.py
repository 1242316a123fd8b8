"""Messages on their way in: polled or pushed, fetched, opened, classified, kept."""
