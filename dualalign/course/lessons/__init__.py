"""Exercises and quizzes of the lessons, a module a lesson."""
