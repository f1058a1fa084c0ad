"""The server: scheduling, admission, servicer, lifecycle. It translates; what a summary is, is up to the models."""
