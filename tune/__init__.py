"""Many trainings: a search over loss, learning rate and oversampling."""
