"""The verbs of ``debonair repo``."""
