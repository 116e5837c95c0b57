"""What Catallax is measured against: small scripts, each in an environment of its own."""
