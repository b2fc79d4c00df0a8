"""Import the settings of the tools that ran an app before: uWSGI, nginx, a Procfile, a Dockerfile."""
