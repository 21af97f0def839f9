"""What a search remembers: every event on the disk, and what was decided by it."""
