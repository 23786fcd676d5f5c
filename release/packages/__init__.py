"""What a release is made of: one file for each kind of package, and what they share."""
