"""The files that systemd, uWSGI and nginx read, rendered from the project."""
