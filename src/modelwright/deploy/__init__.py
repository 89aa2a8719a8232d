"""Files that run the servables of a folder on other machines. They are written, never run here."""
