"""What the product is measured by: run with `make bench-…`, never imported by csperf."""
