"""Plain-Python twins of the money: whole numbers and fractions only, slow and plain to see."""
