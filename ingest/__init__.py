"""Chest CT scans and tumor masks -> preprocessed slices in shards."""
