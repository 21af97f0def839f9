"""What happens beside a training: checkpoints, progress, the end."""
