"""A stateful GitHub API on this machine, and a proxy in front of it that can go wrong."""
