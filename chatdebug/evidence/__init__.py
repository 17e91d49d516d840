"""What a captured failure keeps of its call, besides the error."""
