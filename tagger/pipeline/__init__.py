"""Decoding and the network side by side; results are in input order."""
