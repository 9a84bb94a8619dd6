"""Capture: from a change of a model to a dirty row in the same transaction, and a job on its commit."""
