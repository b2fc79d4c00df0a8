"""Detect what a project is by reading its files, without importing or running its code."""
