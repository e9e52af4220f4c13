"""Pages for phones under `/m`: plain HTML from the centre, for a poor mobile network."""
