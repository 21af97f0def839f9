"""Scans that a training held out -> the threshold and the rules that suit its model."""
