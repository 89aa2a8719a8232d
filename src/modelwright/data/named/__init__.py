"""The named sets: what is known of them, where they are found, how each row is checked."""
