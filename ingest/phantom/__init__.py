"""Synthetic chest CTs with tumors of known volume."""
