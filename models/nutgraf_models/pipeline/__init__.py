"""The pipeline for one article: plan, read in chunks, generate, choose sentences, assemble the answer."""
