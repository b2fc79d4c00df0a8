"""The first contact: what a project is, and the settings that follow from it."""
