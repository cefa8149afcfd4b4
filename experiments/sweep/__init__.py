"""Sweeps: a function of a cell over many cells, in parallel, committed cell by cell and resumed where it stopped."""
