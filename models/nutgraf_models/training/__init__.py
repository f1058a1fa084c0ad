"""Training an adapter for the default model."""
