"""Shared test helpers: an in-process server, and scripted engines."""
