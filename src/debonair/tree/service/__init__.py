"""What systemd, uWSGI and nginx read, rendered from the project."""
