"""The lab: how the pairs of the book are made. Imports torch only when called."""
