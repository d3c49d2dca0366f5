"""Channels over which a person is asked."""
