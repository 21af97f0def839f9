"""What a predicted scan leaves: which files, and what is in them."""
