"""Wheels and the app become the files of the package."""
