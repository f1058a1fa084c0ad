"""Small BART, T5, PEGASUS and Llama checkpoints in the hub's folder format, trained in a minute each.

Called correctly, they write an article's first three sentences. Called incorrectly, they name the mistake, because they
were trained on all of these mistakes.
"""

from .cache import checkpoint

__all__ = ["checkpoint"]
