"""Imitations of vendors' servers, as processes of their own: standard library only, nothing of wabot's."""
