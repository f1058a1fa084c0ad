"""The server: scheduling, admission, servicer, lifecycle. `nutgraf_models` makes and checks the summaries."""
