"""Numbers to a probability and a decision: fusion, gate, recalibration. Pure."""
