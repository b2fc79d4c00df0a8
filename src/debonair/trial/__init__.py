"""``debonair try``: a deb installed in a Debian, and opened."""
