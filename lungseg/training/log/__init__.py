"""What is kept of a training's course: tables, curves, pictures, its page, loggers of others."""
