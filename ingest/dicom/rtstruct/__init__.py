"""RTSTRUCT contours -> masks."""
