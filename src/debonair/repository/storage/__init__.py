"""Where a repository's files are kept: a folder, a bucket, another machine."""
