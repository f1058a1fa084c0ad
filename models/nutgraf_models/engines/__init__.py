"""What runs a model, iteration by iteration.

`base` has the interface. `torch_engine` is the reference: encoder-decoders and decoder-only models with transformers.
`openvino_engine` runs decoder-only models faster on a CPU; `process` keeps it in a process of its own, whose side of it
is `worker`. `lead` copies the article's first sentences. The layers above see no difference.
"""
