"""What a stack costs in a month, and how many instruments it carries."""
