"""Sharded CT slices: their format, their order, their reading."""
