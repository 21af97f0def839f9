"""Slices of a shard set as batches in memory."""
