"""One HTML file with all that runs, servables, studies, searches and streams have measured."""
