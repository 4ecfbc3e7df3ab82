"""The rule builder's own language: what a plain form holds of a rule, and how that becomes the rule and back.

Pure: no request, no database. ``typed`` is what was typed, word for word; ``opening`` makes it of a document,
``form`` reads and writes it as form fields, ``closing`` makes the document again or says what is wrong and where,
``acts`` changes the tree as the form's buttons ask.
"""
