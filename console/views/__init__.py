"""One module a room. A view translates in, asks the domain once, and translates out."""
