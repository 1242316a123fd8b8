"""Work on data directories that no daemon uses: restoring, salvaging and compacting."""
