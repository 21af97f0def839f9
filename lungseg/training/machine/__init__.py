"""What a training makes of its machine: numbers, memory, speed."""
