"""What happens beside a training: checkpoints, tables, pictures, progress."""
