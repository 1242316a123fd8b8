"""The messages of a drop server in PostgreSQL, which many front ends share."""
