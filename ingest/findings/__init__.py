"""What is to be said about a case, before and while it is built."""
