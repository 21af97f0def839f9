"""Slices -> a lung-tumor segmentation model -> masks, scores and pictures."""
