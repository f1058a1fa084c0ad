"""CPU limits, precision, and imports of model libraries."""
