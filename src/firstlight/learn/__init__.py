"""Learning: networks, training, strategies, export and foreign weights. The only room with torch."""
