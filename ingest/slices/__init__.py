"""Scans -> the slices of the recipe, and back onto the scan's own grid."""
