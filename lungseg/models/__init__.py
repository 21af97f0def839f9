"""Networks from slices to logits."""
