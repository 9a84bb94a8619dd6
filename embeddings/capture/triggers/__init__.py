"""Statements that come from anywhere, by triggers in the database."""
