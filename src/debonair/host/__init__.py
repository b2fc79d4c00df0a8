"""This machine: its programs, files, clock and terminal."""
