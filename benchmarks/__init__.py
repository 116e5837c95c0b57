"""Evidence: what the library learns and how fast, each figure beside the command that makes it."""
