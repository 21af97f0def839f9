"""Scans and masks in files -> voxels in known axes, slab by slab."""
