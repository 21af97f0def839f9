"""What the probabilities of lesions are worth."""
