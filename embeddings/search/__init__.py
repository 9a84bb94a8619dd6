"""Search: by meaning, among what the searcher owns and what is alive at the moment of the answer."""
