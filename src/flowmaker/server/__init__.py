"""The composition root: every part is made here and handed to those who need it."""
