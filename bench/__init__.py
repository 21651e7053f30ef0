"""Performance, each figure beside a peer's or a floor's, measured in the same run."""
