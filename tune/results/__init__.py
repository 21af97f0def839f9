"""What a search leaves for people."""
