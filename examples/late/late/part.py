"""What is imported while a request is answered."""

RELEASE = "1.0"
