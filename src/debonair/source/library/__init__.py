"""A Python library as a Debian package, through stdeb."""
