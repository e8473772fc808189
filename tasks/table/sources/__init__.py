"""Every way in which rows come in: discovery of files, and a reader for each format."""
