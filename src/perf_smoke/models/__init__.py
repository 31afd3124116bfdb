"""A model reference becomes a verified local file."""
