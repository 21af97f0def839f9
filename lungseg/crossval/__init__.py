"""Cross-validation: a training for each fold, and what all cases together say of it."""
