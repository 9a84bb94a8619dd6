"""The pages of a queue, and the overview of all."""
