"""Decoding and the network on the machines of a Ray cluster; results in input order."""
