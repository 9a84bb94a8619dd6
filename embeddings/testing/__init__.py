"""For the tests of projects that use this app."""
