"""What is known of checkpoints, where they come from, and the cache that they are kept in."""
