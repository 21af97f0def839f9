"""What a prediction is worth, in numbers."""
