"""Exercises of the book's chapters, a module a chapter."""
