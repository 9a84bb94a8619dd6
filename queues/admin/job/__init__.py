"""The page of a job, and adding one by hand."""
