"""Cards that describe checkpoints, the sources of checkpoints, and their cache."""
