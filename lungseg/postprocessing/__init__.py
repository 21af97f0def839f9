"""What becomes of the lesions of a prediction: which of them are kept."""
