"""Engines that run models, step by step.

`base` has the interface. `torch_engine` is the reference: it runs encoder-decoders and decoder-only models with
transformers. `openvino_engine` runs decoder-only models faster on a CPU; `process` runs it in a child process, whose
main loop is `worker`. `lead` copies the article's first sentences.
"""
