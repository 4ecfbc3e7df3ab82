"""Who is signed in where, until when, and how that ends: by themselves, by being idle, by somebody else's hand."""
