"""The exceptions desk: who works on what does not pair, and how it ends. Also the story of one intent, three ways."""
