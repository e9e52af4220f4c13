"""Key-monitoring lists, pure: reading them, one spelling for what they say, which numbers are near."""
