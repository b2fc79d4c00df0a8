"""Debian's offer: mirrors, packages, shared libraries, interpreters."""
