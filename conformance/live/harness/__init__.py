"""Runs unmodified SDKs against a real Kenwell and a real Redis."""
