"""Where a package will run: suites, boards, and what compiled code asks of them."""
