"""The journal: its entries, the retention of events, and the cursors of consumers."""
