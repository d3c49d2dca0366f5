"""Figures: scripts that run real processes, print `what: 0/N`, and exit 1 otherwise."""
