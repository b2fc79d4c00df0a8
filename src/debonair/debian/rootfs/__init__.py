"""A Debian to run things in: unpacked, entered, booted, emulated."""
