"""Text preparation: an article as sent becomes clean sentences with positions in the original."""
