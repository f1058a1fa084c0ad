"""The command `nutgraf`."""
