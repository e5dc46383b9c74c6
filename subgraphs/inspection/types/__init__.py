"""The nouns of inspection as the graph shows them: each wraps a value of the model; lists and links use loaders."""
