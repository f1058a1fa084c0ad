"""Whether an article says what a summary says: terms, statements, evidence, and sentences that stand alone."""
