"""The page of a schedule."""
