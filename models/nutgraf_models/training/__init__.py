"""Training of adapters for the default model."""
