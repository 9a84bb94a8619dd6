"""Owing: what a committed change owes until the index has it, as dirty rows and fan-out rows, and the jobs that wake workers for them."""
