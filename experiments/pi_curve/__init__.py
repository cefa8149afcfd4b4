"""The pi-curve study: markout and immediacy cost against the batch interval, paired by seed."""
