"""A project's requirements become a lock: which versions, with which hashes."""
