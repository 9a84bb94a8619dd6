"""Indexing: from dirty entities to vectors in step with their rows."""
