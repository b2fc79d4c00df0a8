"""What Debian offers: mirrors, packages, shared libraries, interpreters."""
