"""Which slices a training sees when, and the fetching that follows from it."""
