"""Speed, measured against peers in one run. Wall-clock figures are never asserted; ratios are."""
