"""What a picture shows, by the weights that ship."""
