"""Changes that Django tells of by signals."""
