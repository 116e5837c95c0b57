"""Plain-Python twins of money and rules: numbers and fractions only, slow and plain to see."""
