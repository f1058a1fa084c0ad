"""Evaluation of a model's summaries against references and the lead baseline."""
