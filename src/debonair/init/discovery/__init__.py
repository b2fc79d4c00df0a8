"""What a project is, found by reading its files: nothing of it is imported or run."""
