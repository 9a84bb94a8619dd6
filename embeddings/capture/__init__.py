"""Capture: three ways from a change of a row to what it owes, in the same transaction. None knows of the others."""
