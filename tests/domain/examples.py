"""How many examples a rule is tried with: few enough for a tier of seconds."""

from hypothesis import settings

some = settings(max_examples=25, deadline=None, database=None)
