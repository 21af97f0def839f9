"""What a training can be told, in groups by what the options are about."""
