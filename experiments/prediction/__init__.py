"""Linear models of what a price does next, and scores of their predictions; used by the studies on features."""
