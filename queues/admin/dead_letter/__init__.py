"""The page of the dead letters."""
