"""From an article as it was sent to clean sentences, each with its place in the original."""
