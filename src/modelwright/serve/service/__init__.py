"""What a server does for a client, whichever protocol asked."""
