"""Changes of a repository: versions, keys, the bootstrap deb."""
