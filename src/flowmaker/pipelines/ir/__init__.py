"""KFP's intermediate representation: read, checked, and as a graph of frozen records."""
