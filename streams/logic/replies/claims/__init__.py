"""What a text claims, in forms that can be compared: figures, dates, contacts, promises, actions, names."""
