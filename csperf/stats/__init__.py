"""The statistics under targets, weights and scores: arrays in, arrays out, nothing of csperf's tables."""
