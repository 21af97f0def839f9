"""Start or join Ray, and say what one job may use."""
