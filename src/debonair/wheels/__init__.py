"""A lock and a target become wheels."""
