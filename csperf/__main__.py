"""`python -m csperf` where there is no make and no script on the path."""

from .cli import main

main()
