"""A parent order bought over several venues: policies on recorded quotes and on simulated books, and what they cost."""
