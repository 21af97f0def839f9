"""What a search is told: its options, what it varies, and whose folder it is."""
