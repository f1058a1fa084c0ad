"""`make soak`: mixed traffic with random faults, and a judge that accounts for every request."""
