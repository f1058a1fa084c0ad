"""Selection and shortening of the article's own sentences."""
