"""The way of an article: planning, reading in chunks, generating, choosing, and putting the answer together."""
