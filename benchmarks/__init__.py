"""Commands that measure; each prints its figures and what they were measured against."""
