"""The ground floor of every command: parsing, progress, errors, whole files; no slices."""
