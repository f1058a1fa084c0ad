"""Checks of a summary against its article: terms, statements and evidence; and whether a sentence stands alone."""
