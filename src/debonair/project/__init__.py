"""The author's settings and files become a ``Project``."""
