"""Whose scan each case is, and in which fold it is."""
