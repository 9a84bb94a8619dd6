"""Registering: which models are embedded and how, and on which other rows their entities depend."""
