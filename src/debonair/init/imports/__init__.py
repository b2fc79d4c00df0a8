"""What an app was run with before: uWSGI, nginx, a Procfile, a Dockerfile."""
