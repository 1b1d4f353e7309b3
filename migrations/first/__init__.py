"""The first revision, a module for each floor: frozen, apart from the tables of today."""
