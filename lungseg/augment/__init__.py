"""Random changes of drawn slices: what is drawn for each, and the pixels, on either device."""
