"""`make soak`: mixed traffic with random faults, and a judge who counts what became of it."""
