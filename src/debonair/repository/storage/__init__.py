"""The storage of a repository's files: a folder, a bucket, another machine."""
