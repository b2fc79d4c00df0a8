"""Detect what a project is, and propose the settings that follow from it."""
