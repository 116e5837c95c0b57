"""Checks for your own parts."""
