"""Theory against simulation: problems with known answers, run through kernel, venues and agents."""
