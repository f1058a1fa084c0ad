"""The processor and the libraries that models run on."""
