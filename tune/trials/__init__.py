"""One trial of a search, and what became of each."""
