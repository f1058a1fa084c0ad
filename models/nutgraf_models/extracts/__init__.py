"""Sentences taken from the article itself, shortened by rule."""
