"""Debian source packages, and packages of libraries."""
