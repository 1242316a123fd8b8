"""The rows of the journal: its numbers, its entries, its readers' cursors."""
