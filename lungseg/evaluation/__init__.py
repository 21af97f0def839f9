"""Scans with labels -> what a model is worth on them."""
