"""What runs over all cases of a source: the check, and the build, which goes on where it was."""
