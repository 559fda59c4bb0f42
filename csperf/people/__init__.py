"""What is done for and with people by their figures: growth, quotas, coaching, awards, promotion, conduct, pay.

Pure functions on tables, one file for each question; csperf/personnel.py gathers the tables of a shop.
"""
