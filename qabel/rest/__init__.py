"""The REST API: HTTP in, calls of the core service, HTTP out."""
