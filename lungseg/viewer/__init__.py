"""A scan and its masks on a page of this machine."""
