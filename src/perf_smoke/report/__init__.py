"""A Result in words, tables and markdown. Pure."""
