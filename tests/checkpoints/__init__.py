"""Small BART, T5, PEGASUS and Llama checkpoints in the hub's folder format, trained in a minute each.

They write an article's first three sentences if they are called as they should be, and say what is wrong if not: each
mistake in calling them was part of their training.
"""

from .cache import checkpoint

__all__ = ["checkpoint"]
