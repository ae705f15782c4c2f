"""Decoding and the network side by side; results come in input order."""
