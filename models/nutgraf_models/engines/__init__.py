"""What runs a model, iteration by iteration.

`base` has the interface. `torch_engine` runs encoder-decoders and decoder-only models with transformers; `lead` copies
the article's first sentences. The layers above see no difference.
"""
