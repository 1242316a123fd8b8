"""An HTTP server within limits: sizes, times, numbers of connections. It logs no request."""
